package window

import (
	"testing"
	"time"
)

// BenchmarkAt judges an instant by windows that are usual, and by such as are not.
func BenchmarkAt(b *testing.B) {
	for _, bm := range []struct{ name, windows string }{
		{"none", "[]"},
		{"night", "[{kind: deny, schedule: 0 22 * * *, duration: 8h, timeZone: Europe/Berlin}]"},
		{"office", `[
{kind: allow, schedule: 0 9 * * MON-THU, duration: 8h, timeZone: Europe/Berlin},
{kind: allow, schedule: 0 9 * * FRI, duration: 4h, timeZone: Europe/Berlin},
{kind: deny, schedule: 0 12 * * *, duration: 1h, timeZone: Europe/Berlin, manualSync: true},
{kind: deny, schedule: 0 0 20 12 *, duration: 360h, timeZone: Europe/Berlin}]`},
		{"every minute", "[{kind: deny, schedule: '* * * * *', duration: 1h, timeZone: Europe/Berlin}]"},
		{"taking turns for ever", "[{kind: deny, schedule: '0 0-22/2 * * *', duration: 1h}, {kind: deny, schedule: '0 1-23/2 * * *', duration: 1h}]"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			ws, now := compiled(b, bm.windows), time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				if v := ws.At(now, false); v.Reason == "" {
					b.Fatal(v)
				}
			}
		})
	}
}
