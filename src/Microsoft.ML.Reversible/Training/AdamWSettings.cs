namespace Microsoft.ML.Reversible.Training;

/// <summary>The constants of AdamW.</summary>
/// <param name="Beta1">Decay of the gradient's running mean, within [0, 1).</param>
/// <param name="Beta2">Decay of the squared gradient's running mean, within [0, 1).</param>
/// <param name="Epsilon">What is added to the denominator, positive.</param>
/// <param name="WeightDecay">Decoupled weight decay of the matrices, at least 0; biases and norms do not decay.</param>
internal readonly record struct AdamWSettings(double Beta1, double Beta2, double Epsilon, double WeightDecay);
