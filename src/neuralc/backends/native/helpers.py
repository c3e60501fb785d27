"""The few functions that every kernel is linked with: copies in and out, and the loss.

They go lane by lane, number by number; what takes time is elsewhere.
"""

from __future__ import annotations

from neuralc.backends.native.llvm import Target
from neuralc.backends.native.logarithm import logarithm

TINY = 1e-15  # added to a chance so that its logarithm is finite; its square must fit float32

_TEXT = """
; numbers of a caller -> vectors: lane l has the rows at l * stride; lanes beyond `valid` have those
; of the last one
define internal void @spread(ptr noalias %to, ptr noalias %from, i64 %count, i64 %stride,
    i64 %valid) {
entry:
  %most = sub i64 %valid, 1
  br label %lane
lane:
  %l = phi i64 [0, %entry], [%ln, %lane_end]
  %source = call i64 @llvm.smin.i64(i64 %l, i64 %most)
  %row = mul i64 %source, %stride
  %start = getelementptr REAL, ptr %from, i64 %row
  br label %each
each:
  %e = phi i64 [0, %lane], [%en, %each]
  %a = getelementptr REAL, ptr %start, i64 %e
  %x = load REAL, ptr %a
  %v = mul i64 %e, APART
  %w = add i64 %v, %l
  %b = getelementptr REAL, ptr %to, i64 %w
  store REAL %x, ptr %b
  %en = add i64 %e, 1
  %more = icmp slt i64 %en, %count
  br i1 %more, label %each, label %lane_end
lane_end:
  %ln = add i64 %l, 1
  %lanes = icmp slt i64 %ln, LANES
  br i1 %lanes, label %lane, label %done
done:
  ret void
}

; vectors -> numbers of a caller, the first `valid` lanes
define internal void @gather(ptr noalias %to, ptr noalias %from, i64 %count, i64 %stride,
    i64 %valid) {
entry:
  br label %lane
lane:
  %l = phi i64 [0, %entry], [%ln, %lane_end]
  %row = mul i64 %l, %stride
  %start = getelementptr REAL, ptr %to, i64 %row
  br label %each
each:
  %e = phi i64 [0, %lane], [%en, %each]
  %v = mul i64 %e, APART
  %w = add i64 %v, %l
  %a = getelementptr REAL, ptr %from, i64 %w
  %x = load REAL, ptr %a
  %b = getelementptr REAL, ptr %start, i64 %e
  store REAL %x, ptr %b
  %en = add i64 %e, 1
  %more = icmp slt i64 %en, %count
  br i1 %more, label %each, label %lane_end
lane_end:
  %ln = add i64 %l, 1
  %lanes = icmp slt i64 %ln, %valid
  br i1 %lanes, label %lane, label %done
done:
  ret void
}

; 0 in the lanes from `valid` on
define internal void @clear(ptr noalias %to, i64 %count, i64 %valid) {
entry:
  %any = icmp slt i64 %valid, LANES
  br i1 %any, label %lane, label %done
lane:
  %l = phi i64 [%valid, %entry], [%ln, %lane_end]
  br label %each
each:
  %e = phi i64 [0, %lane], [%en, %each]
  %v = mul i64 %e, APART
  %w = add i64 %v, %l
  %b = getelementptr REAL, ptr %to, i64 %w
  store REAL ZERO, ptr %b
  %en = add i64 %e, 1
  %more = icmp slt i64 %en, %count
  br i1 %more, label %each, label %lane_end
lane_end:
  %ln = add i64 %l, 1
  %lanes = icmp slt i64 %ln, LANES
  br i1 %lanes, label %lane, label %done
done:
  ret void
}

; loss and its gradient: targets below 0 are not observed
define internal void @observe(ptr noalias %value, i64 %step, i64 %across, ptr noalias %gradient,
    ptr noalias %total, ptr noalias %targets, i64 %stride, i64 %count, i64 %size, i64 %valid,
    REAL %weight) {
entry:
  %none = icmp eq ptr %targets, null
  br i1 %none, label %done, label %lane
lane:
  %l = phi i64 [0, %entry], [%ln, %lane_end]
  %row = mul i64 %l, %stride
  %start = getelementptr i64, ptr %targets, i64 %row
  %own = mul i64 %l, %across
  %sum = getelementptr REAL, ptr %total, i64 %l
  br label %each
each:
  %e = phi i64 [0, %lane], [%en, %each_end]
  %a = getelementptr i64, ptr %start, i64 %e
  %t = load i64, ptr %a
  %seen = icmp sge i64 %t, 0
  br i1 %seen, label %take, label %each_end
take:
  %first = mul i64 %e, %size
  %at = add i64 %first, %t
  %spot = mul i64 %at, %step
  %place = add i64 %spot, %own
  %b = getelementptr REAL, ptr %value, i64 %place
  %x = load REAL, ptr %b
  %c = fadd REAL %x, TINY
  %log = call REAL @LOGARITHM(REAL %c)
  %part = fmul REAL %log, %weight
  %before = load REAL, ptr %sum
  %after = fsub REAL %before, %part
  store REAL %after, ptr %sum
  %g = fdiv REAL %weight, %c
  %wide = mul i64 %at, APART
  %there = add i64 %wide, %l
  %d = getelementptr REAL, ptr %gradient, i64 %there
  %old = load REAL, ptr %d
  %new = fsub REAL %old, %g
  store REAL %new, ptr %d
  br label %each_end
each_end:
  %en = add i64 %e, 1
  %more = icmp slt i64 %en, %count
  br i1 %more, label %each, label %lane_end
lane_end:
  %ln = add i64 %l, 1
  %lanes = icmp slt i64 %ln, %valid
  br i1 %lanes, label %lane, label %done
done:
  ret void
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare i64 @llvm.smin.i64(i64, i64)
"""


def helpers(target: Target) -> str:
    """Return the functions for a type of numbers and a number of lanes."""
    words = {
        "REAL": target.real, "LANES": str(target.lanes), "APART": str(target.apart),
        "TINY": target.literal(TINY), "ZERO": target.literal(0.0),
        "LOGARITHM": "logarithm" if target.chip else f"llvm.log.{target.suffix(False)}",
    }  # fmt: skip
    text = _TEXT + (logarithm(target) if target.chip else "declare REAL @LOGARITHM(REAL)\n")
    for word, value in words.items():
        text = text.replace(word, value)
    return text
