// No congestion control: the window is what the user has said (`initialWindow`), whatever happens. For tests, and for
// lines that are known.

import type { Tcb } from '../tcb.ts'
import { type CongestionControl, NO_THRESHOLD, smss } from './congestion.ts'

export class FixedWindow implements CongestionControl {
  readonly name = 'none'
  readonly governsRecovery = true
  readonly paces = false
  readonly needsEcn = false

  opened(tcb: Tcb): void {
    tcb.cwnd = tcb.options.initialWindow * smss(tcb)
    tcb.ssthresh = NO_THRESHOLD
  }

  acknowledged(tcb: Tcb): void {
    this.opened(tcb) // segments may be smaller than at first
  }

  lossDetected(tcb: Tcb): void {
    this.opened(tcb)
  }

  recovered(tcb: Tcb): void {
    this.opened(tcb)
  }

  timedOut(tcb: Tcb): void {
    this.opened(tcb)
  }

  undone(): void {}

  congestionEchoed(): void {}

  idled(): void {}

  resumed(): void {}
}
