import os

# A notebook hands its own on to the programs that it starts, where matplotlib may not know it.
os.environ["MPLBACKEND"] = "pdf"
