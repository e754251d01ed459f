"""The engines of this project, by the name of their container type."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from engines.engine import Engine, EngineImage, Facilities
from engines.models import Models
from engines.options import MODELS, ContainerOptions, Option, parse_options
from engines.results.folder import FolderResults
from engines.results.memory import MemoryResults
from engines.results.store import ResultStore
from licensing.containers import READ, SPEECH_TO_TEXT

if TYPE_CHECKING:
    from fastapi import APIRouter

    from engines.read import Recogniser
    from engines.speech import SpeechModel

T = TypeVar("T")
Loading = Callable[[], Engine]
"""An engine whose model is being loaded: called, it waits for that, and gives the engine."""

READ_VERSION = "3.2.0"
SPEECH_VERSION = "5.0.0"
log = logging.getLogger("azlic.container")

LANGUAGES = Option("Languages", "the languages to open, such as `en,de`; else all whose models are there")
KEPT_MINUTES = Option(
    "StorageTimeToLiveInMinutes", "how many minutes a result can be asked for, 60 to 10080; else 2880", span=(60, 10080)
)
KEPT_DAYS = Option(
    "Storage:TimeToLiveInDays",
    "the same in days, 1 to 7, where the minutes are not given",
    span=(1, 7),
    beside=KEPT_MINUTES.key,
)
SHARED_MOUNT = Option(
    "Mounts:Shared",
    "the folder that containers behind a balancer share results in; else `/share` where that is a folder",
    folder="/share",
)
RUNNING_MINUTES = Option(
    "Task:MaxRunningTimeSpanInMinutes",
    "how many minutes the reading of one document may take, 1 to 10080; else each page has its own minute",
    span=(1, 10080),
)


@dataclass(frozen=True, slots=True)
class Offer(EngineImage):
    """An image of ours whose engine is not loaded yet: enough to download a license for it, or to ask for one.

    ``options`` are those that its engine takes besides what every container takes; ``load`` gets their values, and
    begins to load while whoever called it does something else.
    """

    options: Sequence[Option]
    load: Callable[[Models | None, Mapping[str, str]], Loading]


def read_engine(models: Models | None, options: Mapping[str, str]) -> Loading:
    """The Read engine, once its models are loaded and tried on a page: nothing of it is left to be loaded later.

    Its own models are taken where none are named, of all languages or of those in ``Languages``. Raises ``AzlicError``
    when the ``read`` extra is not installed or a model cannot be loaded, ``BadCall`` for a language without a model,
    ``NoGoodLicense`` when a model is sealed and the license lacks its key.
    """
    # heavy, an extra
    from engines.read import TESSDATA, Recogniser, choose_models, files_of, models_in  # noqa: PLC0415

    named = models or Models(TESSDATA)
    chosen = choose_models(options.get(LANGUAGES.key, ""), models_in(named.names))
    opened = ExitStack()
    tessdata = opened.enter_context(named.in_the_clear(files_of(chosen)))
    loading = _meanwhile(partial(Recogniser, tessdata=tessdata, models=chosen))

    def loaded() -> Engine:
        from engines.read import warm_up  # noqa: PLC0415 - heavy, an extra

        with opened:  # one of the models is loaded only when it is tried
            recogniser = loading.result()
            warm_up(recogniser)  # which forks, so not while modules are being loaded
        return reading(recogniser)

    return loaded


def reading(recogniser: "Recogniser") -> Engine:
    """The Read engine with models that are loaded."""
    from engines.read import Limits, read_routes  # noqa: PLC0415 - heavy, an extra

    def routes(given: Facilities) -> "APIRouter":
        limits = Limits(kept=result_kept(given.options), document_seconds=document_seconds(given.options))
        return read_routes(
            recogniser=recogniser,
            meter=given.meter,
            results=results_of(given),
            admit=given.admit,
            clock=given.clock,
            limits=limits,
        )

    meters = dict.fromkeys(READ.meters, "vision.read")
    return Engine(kind=READ, version=READ_VERSION, meters=meters, routes=routes, close=recogniser.close)


def speech_engine(models: Models | None, _options: Mapping[str, str]) -> Loading:
    """The speech engine, once its model is loaded: nothing of it is left to be loaded later.

    Its own model is taken where none is named. Raises ``AzlicError`` when the ``speech`` extra or its model is not
    installed or a model cannot be loaded, ``NoGoodLicense`` when it is sealed and the license lacks its key.
    """
    from engines.speech import SpeechModel  # noqa: PLC0415 - heavy, an extra
    from engines.speech.pinned_model import own_model  # noqa: PLC0415

    named = models or Models(own_model())

    def load() -> SpeechModel:
        with named.in_the_clear(named.tree) as folder:
            return SpeechModel(folder)

    loading = _meanwhile(load)
    from engines.speech import warm_up  # noqa: PLC0415 - heavy, and not before the model

    warm_up()
    return lambda: hearing(loading.result(), named.folder.absolute().name)


def hearing(model: "SpeechModel", name: str) -> Engine:
    """The speech engine with a model that is loaded; its name is what a license can be bound to."""
    from engines.speech import speech_routes  # noqa: PLC0415 - heavy, an extra

    def routes(given: Facilities) -> "APIRouter":
        return speech_routes(model=model, meter=given.meter, admit=given.admit, clock=given.clock)

    meters = dict.fromkeys(SPEECH_TO_TEXT.meters, "speech.recognition")
    return Engine(
        kind=SPEECH_TO_TEXT, version=SPEECH_VERSION, model=name, meters=meters, routes=routes, close=model.close
    )


def results_of(given: Facilities, default: Path = Path(SHARED_MOUNT.folder)) -> ResultStore:
    """Where results wait: in the folder that was named, in ``default`` where that is a folder, or else in memory."""
    folder = Path(given.options.get(SHARED_MOUNT.key, default))
    if SHARED_MOUNT.key not in given.options and not folder.is_dir():
        return MemoryResults()
    from engines.read.operations import abandoned  # noqa: PLC0415 - of an extra

    results = FolderResults(folder, clock=given.clock, kept=result_kept(given.options), abandoned=abandoned)
    log.info("Using '%s' for results.", results.folder)
    return results


def _meanwhile(load: Callable[[], T]) -> Future[T]:
    """What ``load`` gives, on a thread: while a library loads its model, Python goes on."""
    thread = ThreadPoolExecutor(1, "load")
    try:
        return thread.submit(load)
    finally:
        thread.shutdown(wait=False)


def result_kept(options: Mapping[str, str]) -> timedelta:
    """How long the result of an asynchronous request can be asked for: in minutes, else in days, else 48 hours."""
    if minutes := options.get(KEPT_MINUTES.key):
        return timedelta(minutes=int(minutes))
    return timedelta(days=int(options.get(KEPT_DAYS.key, 2)))


def document_seconds(options: Mapping[str, str]) -> float | None:
    """How long the reading of one document may take, where that was said."""
    minutes = options.get(RUNNING_MINUTES.key)
    return 60 * float(minutes) if minutes else None


READ_OPTIONS = (MODELS, LANGUAGES, SHARED_MOUNT, KEPT_MINUTES, KEPT_DAYS, RUNNING_MINUTES)
ENGINES = {
    READ.name: Offer(READ, READ_VERSION, READ_OPTIONS, read_engine),
    SPEECH_TO_TEXT.name: Offer(SPEECH_TO_TEXT, SPEECH_VERSION, (MODELS,), speech_engine),
}


def engine_options(
    name: str, words: Iterable[str], environ: Mapping[str, str], *, engines: Mapping[str, Offer] = ENGINES
) -> ContainerOptions:
    """Read the options that the container of one engine is started with; ``parse_options`` says what it raises."""
    others = {option.key.lower(): offer.kind.title for offer in engines.values() for option in offer.options}
    return parse_options(words, environ, engines[name].options, others=others)
