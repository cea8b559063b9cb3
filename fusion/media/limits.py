"""What a media file may ask of this machine at most, and the tolerances of time. Each number has a name."""

from __future__ import annotations

from fractions import Fraction

#: Longest clip, in seconds.
LONGEST_CLIP = Fraction(24 * 3600)
#: Most pixels of one picture.
LARGEST_PICTURE = 8192 * 8192
#: Most channels of a sound stream.
MOST_CHANNELS = 64
#: Most samples of sound in a second.
HIGHEST_SOUND_RATE = 768_000
#: Most pictures in a second that may be wanted.
HIGHEST_PICTURE_RATE = 1000
#: Largest sidecar of words, in bytes.
LARGEST_SIDECAR = 16 * 1024 * 1024

#: A picture is also shown this long before the first frame's time and after the last one's end, in seconds:
#: containers round both, and players do the same.
HOLD = Fraction(1, 10)
#: Sound whose timestamps stray by less than this many seconds is one run; beyond it a gap is filled with zeros
#: and an overlap is dropped. Containers that count milliseconds stray by a few.
JITTER = Fraction(1, 100)
#: Decoding that ends this many seconds before the header's duration means a truncated file.
TRUNCATED = Fraction(1, 4)
#: A track whose end the file's other tracks have passed by this many seconds is over: writers interleave closer.
INTERLEAVED = Fraction(2)
#: A clip of words alone, without times, lasts this nominal number of seconds.
WORDS_ALONE = Fraction(1)
#: Pictures are sought rather than read from the file's start beyond this second.
SEEK_FROM = Fraction(5)
#: Most packets kept back while the last key frame before the clip is looked for.
MOST_HELD = 1000

#: Containers that may be opened: none that names other files (playlists, concatenations, image sequences).
CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,wav,w64,flac,mp3,ogg,aac,mpegts,mpeg,flv,asf,aiff,caf,au,amr,"
    "h264,hevc,m4v,mpegvideo,ivf,dv,mxf,ac3,eac3,rm,wv,ape,tta,"
    "png_pipe,jpeg_pipe,webp_pipe,bmp_pipe"  # single stills, each a clip of one picture
)
