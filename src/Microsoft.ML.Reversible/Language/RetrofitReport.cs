using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible;

/// <summary>What a teacher was converted to, how far that is from the teacher before and after distillation, and its memory.</summary>
public sealed record RetrofitReport
{
    /// <summary>The student's scheme.</summary>
    public required Scheme Scheme { get; init; }

    /// <summary>How far the student is from the teacher before any training, on held-out text.</summary>
    public required RetrofitAgreement Before { get; init; }

    /// <summary>The same after distillation; null before it.</summary>
    public RetrofitAgreement? After { get; init; }

    /// <summary>The memory of a training batch's hidden states.</summary>
    public required HiddenStateMemory Memory { get; init; }

    /// <summary>The bytes of remainders that the backward pass needs for each activation in each layer; 0 where none.</summary>
    public double BytesPerActivation => Scheme.RemainderBitsPerActivation / 8.0;

    /// <summary>
    /// How well fixed-point steps find the hidden state before each layer, from layer 1; empty unless the scheme uses such steps or they
    /// were asked for.
    /// </summary>
    public IReadOnlyList<LayerEstimate> Estimates { get; init; } = [];

    /// <summary>Whether such steps help, in words; null where <see cref="Estimates"/> is empty.</summary>
    public string? EstimateVerdict => Language.EstimateVerdict.Of(Estimates);

    /// <summary>
    /// The conversions that were measured to choose one, the nearest to the teacher first; empty where the scheme was given.
    /// </summary>
    public IReadOnlyList<RetrofitCandidate> Candidates { get; init; } = [];

    /// <summary>Why <see cref="Scheme"/> was chosen; null where it was given.</summary>
    public string? Reason { get; init; }

    /// <summary>
    /// The step sizes that were tried, each with how far the student was from the teacher; empty where none was searched for.
    /// </summary>
    public IReadOnlyList<RetrofitCandidate> StepSizes { get; init; } = [];

    /// <summary>The report as one line of JSON; a number that is not finite is null.</summary>
    public string ToJson() => RetrofitJson.Of(this);

    /// <summary>The report as tables in plain text, with the best of <see cref="StepSizes"/> only.</summary>
    public override string ToString() => RetrofitText.Of(this);
}

/// <summary>How far a student is from its teacher on one text, token by token.</summary>
/// <param name="KlPerToken">
/// KL(teacher‖student), Σ t log(t / s) over the vocabulary, as a mean over the tokens, nats; 0 where both give the same distributions, and
/// infinite or NaN where the student's logits are not finite.
/// </param>
/// <param name="Top1Agreement">The part of the tokens for which both have the same likeliest next token, within [0, 1].</param>
/// <param name="TeacherLoss">The teacher's mean cross-entropy, nats a token.</param>
/// <param name="StudentLoss">The student's mean cross-entropy, nats a token.</param>
/// <param name="TokenCount">The number of tokens that these are means over; padding does not count.</param>
public sealed record RetrofitAgreement(
    double KlPerToken, double Top1Agreement, double TeacherLoss, double StudentLoss, long TokenCount)
{
    /// <summary>e to the power of <see cref="TeacherLoss"/>.</summary>
    public double TeacherPerplexity => Math.Exp(TeacherLoss);

    /// <summary>e to the power of <see cref="StudentLoss"/>.</summary>
    public double StudentPerplexity => Math.Exp(StudentLoss);

    /// <summary>The divergence to order by; NaN counts as infinite.</summary>
    internal double Distance => double.IsNaN(KlPerToken) ? double.PositiveInfinity : KlPerToken;
}

/// <summary>A conversion of a teacher as it was measured before any training.</summary>
/// <param name="Scheme">The scheme that the teacher's blocks were run under.</param>
/// <param name="Agreement">How far that is from the teacher.</param>
/// <param name="BitsPerActivation">The bits of remainders that the backward pass needs for an activation of a layer; 0 for none.</param>
/// <param name="EvaluationsPerLayer">
/// How often a layer evaluates blocks in the forward pass; as often again, with their gradients, in the backward pass.
/// </param>
/// <param name="Fits">Whether it keeps to the limits on memory and cost.</param>
public sealed record RetrofitCandidate(
    Scheme Scheme, RetrofitAgreement Agreement, int BitsPerActivation, int EvaluationsPerLayer, bool Fits)
{
    /// <summary>
    /// The cost of a layer's training step as a multiple of a checkpointed residual layer's, which evaluates its block once in the
    /// forward pass and once, with gradients, in the backward pass. All evaluations cost the same, so this is
    /// <see cref="EvaluationsPerLayer"/>.
    /// </summary>
    public double RelativeCost => EvaluationsPerLayer;
}

/// <summary>
/// The memory of a training batch's hidden states between forward and backward pass, computed from their sizes. The graph of the one block
/// that is differentiated at a time, the head and the parameters come on top, and are the same in all cases.
/// </summary>
/// <param name="Tokens">Tokens of the batch, padding included.</param>
/// <param name="Reversible">Bytes that the reversible backward mode keeps: a few hidden states, and the remainders.</param>
/// <param name="Remainders">Bytes of these that are remainders, which alone grow with depth.</param>
/// <param name="Checkpointed">Bytes that checkpointing keeps: a float32 hidden state before every layer, and the last.</param>
public sealed record HiddenStateMemory(long Tokens, long Reversible, long Remainders, long Checkpointed)
{
    private const int Float32 = 4;
    private const int Float64 = 8;

    /// <summary>Computes it.</summary>
    /// <param name="scheme">The scheme.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="width">Length of a hidden state's vectors.</param>
    /// <param name="tokens">Tokens of the batch.</param>
    /// <param name="arithmetic">The arithmetic of the hidden states; null takes the scheme's default.</param>
    internal static HiddenStateMemory Of(Scheme scheme, int layers, int width, long tokens, Arithmetic? arithmetic = null)
    {
        bool exact = (arithmetic ?? scheme.DefaultArithmetic) == Arithmetic.Exact;
        long elements = checked(tokens * width);
        // The first hidden state and the last two; on a grid, where they are float64, the output is a float32 copy besides.
        long states = exact ? 3 * Float64 + Float32 : 3 * Float32;
        // The first two layers need no remainders: the first hidden state is kept, and the one behind it follows from it.
        long side = checked(Math.Max(0, layers - 2) * (((exact ? elements * scheme.RemainderBitsPerActivation : 0) + 7) / 8));
        return new(tokens, checked(elements * states + side), side, checked((layers + 1) * elements * Float32));
    }
}

/// <summary>
/// How well fixed-point steps find the hidden state before a residual block from that behind it, along a teacher's own hidden states
/// x_j = x_{j-1} + f(x_{j-1}) with f = f_{j-1}:
/// <code>
///     y₀ = x_j       yᵢ₊₁ = x_j - f(yᵢ)       E_m(x_j) = y_m
/// </code>
/// </summary>
/// <remarks>
/// Each step multiplies the error by a local factor, ‖f(yᵢ) - f(x_{j-1})‖ / ‖yᵢ - x_{j-1}‖, and steps help only where that is below 1; they
/// come as near as one likes only where f is a contraction, with a Lipschitz factor below 1.
/// </remarks>
public sealed record LayerEstimate
{
    /// <summary>The layer j, from 1, that needs the estimate.</summary>
    public required int Layer { get; init; }

    /// <summary>
    /// ‖E_m(x_j) - x_{j-1}‖ / ‖x_{j-1}‖ for m = 0, 1, 2, ..., with norms over all channels of all tokens; at index 0 x_j itself stands for
    /// the hidden state before it.
    /// </summary>
    public required IReadOnlyList<double> RelativeErrors { get; init; }

    /// <summary>
    /// The largest singular value of f's Jacobian over the points tried: beginnings of at most 128 tokens of the teacher's windows. It is
    /// found by power iteration and is a bound from below: ‖Jᵀu‖ for a unit vector u, with Jᵀ by automatic differentiation. The products
    /// with J that lead to u are central differences.
    /// </summary>
    public required double LipschitzFactor { get; init; }

    /// <summary>
    /// What each step multiplied the error by, for steps 1, 2, ...: ‖f(y) - f(x)‖ / ‖y - x‖ at the points of the iteration.
    /// </summary>
    public IReadOnlyList<double> LocalFactors =>
        [.. RelativeErrors.Skip(1).Zip(RelativeErrors, (after, before) => before == 0 ? 0 : after / before)];

    /// <summary>The number of steps with the smallest error; 0 where none helps.</summary>
    public int BestSteps =>
        Enumerable.Range(0, RelativeErrors.Count).MinBy(m => double.IsNaN(RelativeErrors[m]) ? double.PositiveInfinity : RelativeErrors[m]);
}
