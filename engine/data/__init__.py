"""Data sets on the device: reading, checks, splits, augmentation, batches as a function of the step."""

from engine.data.augment import Augmentation
from engine.data.describe import describe_data
from engine.data.fetch import fetch
from engine.data.file_set import FileSet
from engine.data.images import ImageSet, divide
from engine.data.load import LoadedData, load_data
from engine.data.open_stream import open_stream
from engine.data.raw import Normalization
from engine.data.stream import BatchStream, Stream

__all__ = [
    "Augmentation",
    "BatchStream",
    "FileSet",
    "ImageSet",
    "LoadedData",
    "Normalization",
    "Stream",
    "describe_data",
    "divide",
    "fetch",
    "load_data",
    "open_stream",
]
