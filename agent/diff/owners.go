package diff

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// An Owner is who last wrote a field, as managedFields tells. Time is when it
// wrote any of its fields for the last time.
type Owner struct {
	Manager     string    `json:"manager,omitempty"`
	Operation   string    `json:"operation,omitempty"`
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time,omitzero"`
}

// String prints as "kubectl (Update of scale, 2026-11-24T10:00:00Z)".
func (o Owner) String() string {
	what := o.Operation
	if o.Subresource != "" {
		what += " of " + o.Subresource
	}
	if !o.Time.IsZero() {
		what += ", " + o.Time.UTC().Format(time.RFC3339)
	}
	return printable(o.Manager) + " (" + printable(strings.TrimPrefix(what, ", ")) + ")"
}

// ours says that it is our own entry.
func (o Owner) ours() bool { return o.Manager == Manager && o.Operation == "Apply" }

// A claim is what one entry of managedFields says of a place.
type claim struct {
	owner  *Owner // nil if it is only to tell merge keys
	fields map[string]any
	leaf   bool // the place, or one above it, is owned as a whole
}

// claimsOf reads managedFields. An entry that cannot be read claims nothing.
func claimsOf(object map[string]any) (all []claim) {
	meta, _ := object["metadata"].(map[string]any)
	list, _ := meta["managedFields"].([]any)
	for _, item := range list {
		entry, _ := item.(map[string]any)
		fields, ok := entry["fieldsV1"].(map[string]any)
		if !ok {
			continue
		}
		owner := &Owner{}
		owner.Manager, _ = entry["manager"].(string)
		owner.Operation, _ = entry["operation"].(string)
		owner.Subresource, _ = entry["subresource"].(string)
		text, _ := entry["time"].(string)
		owner.Time, _ = time.Parse(time.RFC3339, text)
		all = append(all, claim{owner: owner, fields: fields})
	}
	return all
}

// anonymous returns the claims without their owners.
func anonymous(claims []claim) []claim {
	for i := range claims {
		claims[i].owner = nil
	}
	return claims
}

// under returns the claims of a place one step further, which is called name in
// fieldsV1.
func under(claims []claim, name string) (all []claim) {
	for _, c := range claims {
		if c.leaf {
			all = append(all, c)
			continue
		}
		if child, ok := c.fields[name].(map[string]any); ok {
			leaf := len(child) == 0 || len(child) == 1 && child["."] != nil
			all = append(all, claim{c.owner, child, leaf})
		}
	}
	return all
}

// lastOwner returns who most likely made a place what it is: another before us,
// a later one before an earlier one.
func lastOwner(claims []claim) (owner Owner) {
	found := false
	for _, c := range claims {
		if c.owner == nil {
			continue
		}
		better := !found || owner.ours() && !c.owner.ours() ||
			owner.ours() == c.owner.ours() && c.owner.Time.After(owner.Time)
		if better {
			owner, found = *c.owner, true
		}
	}
	return owner
}

// isOurs says that we own a place.
func isOurs(claims []claim) bool {
	return slices.ContainsFunc(claims, func(c claim) bool { return c.owner != nil && c.owner.ours() })
}

// isOthers says that somebody else owns a place, and we do not.
func isOthers(claims []claim) bool {
	return !isOurs(claims) && slices.ContainsFunc(claims, func(c claim) bool { return c.owner != nil })
}

// keysAt returns the merge keys of a list, and whether it is known to have any.
func keysAt(claims []claim) (keys []string, keyed bool) {
	union := map[string]bool{}
	for _, c := range claims {
		for name := range c.fields {
			if c.leaf || !strings.HasPrefix(name, "k:") {
				continue
			}
			names, err := mergeKeys(name)
			if err != nil {
				continue
			}
			for _, key := range names {
				union[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(union)), len(union) > 0
}

// underItems returns the claims of each item of a list by the item's identity.
func underItems(claims []claim, keys []string) map[string][]claim {
	all := map[string][]claim{}
	for _, c := range claims {
		for name := range c.fields {
			if c.leaf || !strings.HasPrefix(name, "k:") {
				continue
			}
			if value, err := identityOf(name); err == nil {
				id := identity(value, keys)
				all[id] = append(all[id], under([]claim{c}, name)...)
			}
		}
	}
	return all
}
