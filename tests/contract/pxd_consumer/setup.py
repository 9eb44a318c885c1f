"""All that another Cython project needs: the folder of pricecore's C headers."""

from Cython.Build import cythonize
from setuptools import Extension, setup

from pricecore.include import get_include

extension = Extension("pxd_consumer", ["pxd_consumer.pyx"], include_dirs=[get_include()])
# The second: without it a free-threaded interpreter turns the GIL on when it imports the module.
directives = {"language_level": 3, "freethreading_compatible": True}
setup(ext_modules=cythonize([extension], compiler_directives=directives))
