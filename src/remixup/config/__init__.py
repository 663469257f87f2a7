"""What is to be replicated: typed experiment files, and the runs that follow from a row at a scale.

Reading a specification never imports torch: the workflow does it at every start.
"""
