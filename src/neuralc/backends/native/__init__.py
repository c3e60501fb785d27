"""Soft execution as machine code: the tensor program of `soft`, printed as LLVM instead of torch.

`build` turns a tensor program into a plan of loop nests on vectors of restarts or examples,
`program` writes that as text of LLVM, `compiled` makes code of it, and `NativeModule` runs it.
"""

from neuralc.backends.native.module import NativeModule as NativeModule
