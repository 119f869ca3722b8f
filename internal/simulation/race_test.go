//go:build race

package simulation

// raceDetector tells that lives take ten times as long.
const raceDetector = true
