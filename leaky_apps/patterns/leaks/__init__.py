"""The six memory patterns, one a file, and the cure of each as its healthy twin."""
