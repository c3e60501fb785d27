# meters.py: three photographs of meters with one digit each, and the sum of what they show.
#
# Nobody says what a single meter shows. The network `read` learns it, because nothing else explains
# the sums.

image_size = Hyper()

@Learn([Tensor(image_size, image_size)], 10, hid_sizes=[64])
def read(image): pass

meters = InputTensor(image_size, image_size)[3]
total = Output(28)   # 0 .. 27, three digits at most

@Runtime([10, 10], 19)
def ADD(a, b): return a + b

@Runtime([19, 10], 28)
def ADD_THIRD(a, b): return a + b

shown = Var(10)[3]
two = Var(19)

for k in range(3):
    shown[k].set_to(read(meters[k]))
two.set_to(ADD(shown[0], shown[1]))
total.set_to(ADD_THIRD(two, shown[2]))

@Listing()
def listing():
    line("total = read(meters[0]) + read(meters[1]) + read(meters[2])")
