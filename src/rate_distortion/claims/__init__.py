"""Every claim that the paper prints, and a verdict on each from a study's records.

``ledger`` holds what is claimed, ``study_records`` and ``comparability`` what a study has, ``measures`` and ``arithmetic`` what the
claims come to, ``verdicts`` the statistics, and ``assessment`` puts them together. Knows nothing of torch.
"""
