"""Teaching the embedded recogniser the telephone and a city's words: training, adapters of a few MB, merging.

Training needs PyTorch (the extra ``adapt``); merging an adapter needs numpy only. A running service imports
neither this package's training modules nor PyTorch.
"""
