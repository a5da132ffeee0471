package api

// ComparedTo is what a comparison with the spec, as it is, is made with.
func (s *ApplicationSpec) ComparedTo() ComparedTo {
	to := ComparedTo{Destination: s.Destination, IgnoreDifferences: s.IgnoreDifferences}
	if s.HasMultipleSources() {
		to.Sources = s.AllSources()
	} else if sources := s.AllSources(); len(sources) == 1 {
		to.Source = sources[0]
	}
	return to
}
