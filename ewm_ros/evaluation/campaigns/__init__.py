"""Many lockstep runs that can be stopped and gone on with, on one machine or many."""
