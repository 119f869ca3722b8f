//go:build race

package simulation

// raceDetector is true where lives take ten times as long.
const raceDetector = true
