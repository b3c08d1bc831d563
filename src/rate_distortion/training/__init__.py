"""Stochastic gradient descent with exact resume, and the one writer of what a training leaves behind."""
