# feed_in.py: three meters and a bill; which of them count, and which way, is not known either.
#
# A meter may count (what was used), be taken away (what was fed in), or have nothing to do with it.

image_size = Hyper()

@Learn([Tensor(image_size, image_size)], 10, hid_sizes=[64])
def read(image): pass

meters = InputTensor(image_size, image_size)[3]
bill = Output(55)    # 27 more than the balance, which lies between -27 and 27

role = Param(3)[3]   # 0: nothing, 1: counts, 2: is taken away

@Runtime([55, 10, 3], 55)
def BOOK(balance, value, r):
    if r == 0:
        return balance
    elif r == 1:
        return min(balance + value, 54)
    else:
        return max(balance - value, 0)

balance = Var(55)[4]
balance[0].set_to(27)
for k in range(3):
    balance[k + 1].set_to(BOOK(balance[k], read(meters[k]), role[k]))
bill.set_to(balance[3])

@Listing()
def listing():
    for k in range(3):
        line(f"meter {k}: {role[k]:has nothing to do with it|counts|is taken away}")
