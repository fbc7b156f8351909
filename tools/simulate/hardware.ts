/** What is plugged into workstations: input devices as USB `vid:pid`, displays as the manufacturer and product of their EDID. */

export const KEYBOARDS = ['046d:c31c', '413c:2113', '05ac:024f', '045e:07f8', '17ef:6099', '03f0:034a', '04d9:0169'] as const;
export const MICE = ['046d:c077', '413c:301a', '17ef:600e', '045e:0745', '046d:c548'] as const;
export const DISPLAYS = ['DEL40F4', 'GSM5B08', 'SAM0F9C', 'LEN65C9', 'HWP3297', 'BOE0900', 'AUO5B2D', 'ACR0771'] as const;

/** What an IP-KVM may show itself as: the keyboard that it emulates, and the display that it captures. */
export const KVM_DEVICES = ['1d6b:0104', '0557:2419', '04b4:0101'] as const;
export const KVM_DISPLAYS = ['LNX0000', 'TSB8888', 'GUD8888', 'MS21090'] as const;

/** Honest desks: a switch between two computers emulates a keyboard too, and so does a server board's controller. */
export const SWITCH_DEVICES = ['0557:2419', '0557:2213', '046b:ff10'] as const;
export const SWITCH_DISPLAYS = ['ATN0557', 'ATEN KVM'] as const;
