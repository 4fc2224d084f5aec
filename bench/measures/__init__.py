"""Measures of a ranking beside R@k, P@k and Acc@k: graded ones, those of packages and of ir_measures."""
