// Package window decides when an AppProject's sync windows let an Application sync.
//
// Start with Compile, once for a project; Schedule.For picks the windows that match an
// Application, Windows.At judges an instant, and Windows.Overrun a sync that already runs.
// Each Verdict names the window that decides and says when it changes, so that a caller
// can wait for that instant. Windows.Next is the calendar, Schedule.Lint warns.
//
// Matching and precedence are those of Argo CD 3.6 (SyncWindows.Matches and CanSync).
// Different on purpose:
//   - A schedule runs in its time zone as that zone is at each instant. Argo CD shifts
//     UTC by the zone's offset of today, and is an hour off across a change of clocks.
//   - A time zone or a glob that cannot be read is an error, as a bad schedule is; there
//     the zone becomes UTC and the glob matches nothing, so that a denial denies nothing.
//   - A window is open from its opening on, that instant included, until just before its
//     end: who wakes up at Verdict.Until finds the verdict changed, and a window of 24h
//     that opens daily has no hole at midnight. There, both ends are excluded.
//
// # When the clocks change
//
// A window stays open for its duration as it elapses, whatever the clocks do: 8h from
// 22:00 end at 07:00 in the night that skips an hour, and at 05:00 in the one that
// repeats one. As for when it opens, we follow cron(8), as of Vixie:
//   - A time that the clocks skip opens the window at once when they have: where 02:00
//     becomes 03:00, "30 2 * * *" opens at 03:00. No opening is lost. (For jobs with a *
//     in minute or hour, cron skips; a window covers time, so ours does not.)
//   - A time that they repeat opens the window the first time only, except where the
//     minute or the hour has a *, as in "*/15 * * * *": that runs on, and opens both times.
//
// The package is pure: the time is passed in, and everything compiled is safe for
// concurrent use. Compile reads the time zone database, so a binary for machines without
// one has to import time/tzdata.
package window
