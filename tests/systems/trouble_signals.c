/* Signals at 100 Hz and nothing else. They come during all the other troubles too (signals.h). */
#include "trouble.h"

const trouble_kind trouble_signals = {.name = "signals", .engines = TROUBLE_EVERYWHERE};
