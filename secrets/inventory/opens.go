package inventory

import (
	"slices"

	"github.com/tidelock-io/tidelock/secrets/recipients"
)

// Opens says whether keys open a SOPS file, by the public halves of both, and
// which keys do. Of key groups as many must be opened as the file says. With
// ambient, services may take another log-in than a key that is held.
func (item *Item) Opens(held []recipients.Recipient, ambient bool) (recipients.Answer, []string) {
	best := map[int]recipients.Answer{} // by group
	var by []string
	for _, r := range item.Recipients {
		answer, key := recipients.Match(r.Kind, r.ID, held)
		if answer == recipients.No && ambient && r.Kind != recipients.Age && r.Kind != recipients.PGP {
			answer = recipients.Perhaps
		}
		best[r.Group] = max(best[r.Group], answer)
		if answer == recipients.Yes && !slices.Contains(by, key.Key) {
			by = append(by, key.Key)
		}
	}
	groups := map[recipients.Answer]int{}
	for _, answer := range best {
		groups[answer]++
	}
	needed := max(item.Threshold, 1)
	switch {
	case groups[recipients.Yes] >= needed:
		return recipients.Yes, by
	case groups[recipients.Yes]+groups[recipients.Perhaps] >= needed:
		return recipients.Perhaps, by
	}
	return recipients.No, nil
}
