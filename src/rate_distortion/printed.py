"""What the paper prints, as numbers: (mean, standard error) per cell. None of it enters any of our own results."""

import math

TABLE1 = {
    # model: {batch size: ((test accuracy, error), (generalization gap, error))}, percent and points
    "A": {128: ((85.9, 0.2), (14.1, 0.2)), 64: ((86.3, 0.1), (13.7, 0.1)), 32: ((86.6, 0.1), (13.4, 0.1))},
    "B": {128: ((88.4, 0.2), (4.8, 0.1)), 64: ((87.6, 0.1), (5.5, 0.2)), 32: ((87.2, 0.4), (5.4, 0.2))},
    "C": {128: ((87.1, 0.4), (12.42, 0.04)), 64: ((85.1, 0.5), (11.3, 0.2)), 32: ((85.2, 0.4), (9.0, 0.3))},
}

TABLE2 = {
    # as TABLE1: ((train accuracy, error), (absolute generalization gap, error)) with random labels
    "A": {128: ((85, 3), (76, 3)), 32: ((90, 2), (79, 2))},
    "B": {128: ((10.20, 0.03), (3, 2))},
    "C": {128: ((67, 1), (57, 1)), 32: ((42, 1), (32, 1))},
}

DIFFERENCES = {
    # name of a difference (rate_distortion.tables.differences): (mean, error), where printed in words or in a caption
    "large_batch_gap_A": (0.7, 0.3),  # from Table 1
    "large_batch_gap_B": (-0.6, 0.2),  # from Table 1
    "large_batch_gap_C": (3.4, 0.3),  # from Table 1
    "extra_data_accuracy_B": (2.0, 0.3),  # section 4.3
    "extra_data_gap_B": (-0.3, 0.1),  # section 4.3
    "loss_gap_orders_of_magnitude": (1.0, math.nan),  # Table 1, caption
    "random_large_batch_gap_A": (-3.0, 4.0),  # Table 2, caption, where the sign is dropped
    "random_large_batch_gap_C": (25.0, 1.0),  # Table 2, caption
    "random_gap_C_minus_B": (54.0, 2.0),  # Table 2, caption
}

TABLE3 = {"Conv1": "2.0k", "Conv2": "73.7k", "Conv3": "102.4k", "Fc": "2.6k", "Total": "180.9k"}

PLATEAU_EPOCHS = {
    # (activation, normalization): section 4.1, "the number of epochs required" until the ratio is constant; no error is printed
    ("relu", "none"): 1000,
    ("tanh", "none"): 3000,
    ("relu", "batch"): 100,
    ("tanh", "batch"): 100,
}
