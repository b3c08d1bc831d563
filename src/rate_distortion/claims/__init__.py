"""Every claim that the paper prints, and a verdict on each from a study's records.

- ``ledger``: what is claimed (claims.yaml)
- ``study_records``, ``comparability``: what a study has, and whether it may be compared
- ``measures``, ``arithmetic``: what the claims come to
- ``verdicts``: the statistics
- ``assessment``, ``overview``: all of it together, by claim and by table or figure

Knows nothing of torch.
"""
