"""run() does what the fuzz has put into `act`."""

act = None


def init():
    pass


def run(raw_data):
    return act()
