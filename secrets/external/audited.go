package external

// storeNames are the stores that an ExternalSecret refers to, for the audit trail.
func (s *spec) storeNames() []string {
	refs, _ := s.stores() // an error shows when it is fetched
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.Kind + " " + ref.Name
	}
	return names
}

// version tells one value of the Secret from another.
func (r Result) version() string {
	if r.Secret == nil {
		return ""
	}
	return r.Secret.Hash()
}
