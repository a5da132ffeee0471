package appset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/api"
)

// hashOf names the deletion of some Applications of a set, which are sorted.
func hashOf(set *api.ApplicationSet, gone []string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s", set.UID, strings.Join(gone, "\n")))
	return hex.EncodeToString(sum[:8])
}

// approved says that somebody has approved of a deletion: by its hash, or, as of an
// Application's deletions, by a time that is not before it was held.
func approved(set *api.ApplicationSet, hash string) bool {
	if strings.TrimSpace(set.Annotations[api.AnnotationApprove]) == hash {
		return true
	}
	at, err := time.Parse(time.RFC3339, set.Annotations[api.AnnotationDeletionApproved])
	if err != nil {
		return false
	}
	for _, c := range set.Status.Conditions {
		if c.Type == api.ApplicationSetDeletionHeld && strings.Contains(c.Message, hash) && c.LastTransitionTime != nil {
			return !at.Before(c.LastTransitionTime.Time)
		}
	}
	return false
}

// howToApprove says what is held, and what there is to do about it.
func howToApprove(p Plan) string {
	return fmt.Sprintf("%s: approve with annotation %s: %s", p.Held, api.AnnotationApprove, p.Hash)
}
