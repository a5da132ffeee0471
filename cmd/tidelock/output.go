package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// checkOutput checks the value of -o. An empty one is for people.
func checkOutput(format string, known ...string) error {
	if format == "" || slices.Contains(known, format) {
		return nil
	}
	return fmt.Errorf("-o %s: give %s", format, either(known))
}

// addOutputFlag adds -o with its values, beside the empty one, without which it
// is plain.
func addOutputFlag(cmd *cobra.Command, format *string, plain string, known ...string) {
	cmd.Flags().StringVarP(format, "output", "o", "", fmt.Sprintf("%s; %s if empty", either(known), plain))
	_ = cmd.RegisterFlagCompletionFunc("output", completeOutputs(known...)) // fails only for a flag that is not there
}

// either prints as "wide, json or yaml".
func either(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// completeOutputs offers the values of -o.
func completeOutputs(known ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp)
}
