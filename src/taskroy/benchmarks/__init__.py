"""Claims of speed and accuracy, each as a program that anyone can run: `taskroy bench`."""
