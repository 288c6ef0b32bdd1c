"""From sources to notebooks and back: the commands of learners and maintainers.

It executes kernels and writes files of this project. `doctor` needs nothing but Python: no module is
imported here.
"""
