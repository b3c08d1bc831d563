"""What the paper prints, as numbers: (mean, standard error) per cell. None of it enters any of our own results."""

TABLE1 = {
    # model: {batch size: ((test accuracy, error), (generalization gap, error))}, percent and points
    "A": {128: ((85.9, 0.2), (14.1, 0.2)), 64: ((86.3, 0.1), (13.7, 0.1)), 32: ((86.6, 0.1), (13.4, 0.1))},
    "B": {128: ((88.4, 0.2), (4.8, 0.1)), 64: ((87.6, 0.1), (5.5, 0.2)), 32: ((87.2, 0.4), (5.4, 0.2))},
    "C": {128: ((87.1, 0.4), (12.42, 0.04)), 64: ((85.1, 0.5), (11.3, 0.2)), 32: ((85.2, 0.4), (9.0, 0.3))},
}

TABLE3 = {"Conv1": "2.0k", "Conv2": "73.7k", "Conv3": "102.4k", "Fc": "2.6k", "Total": "180.9k"}
