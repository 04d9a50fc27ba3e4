"""Named services of a workspace: deployed, updated without a pause, rolled back, deleted.

record.py says what a service is and keeps it, wanted.py what it is asked to be next, stack.py
writes its compose file, the two runtimes start and stop one revision of it, and lifecycle.py is
the order in which that happens.
"""
