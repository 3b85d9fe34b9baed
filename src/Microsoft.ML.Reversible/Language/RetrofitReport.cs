using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible;

/// <summary>The result of a conversion: the scheme, the distance from the teacher before and after distillation, and the memory.</summary>
public sealed record RetrofitReport
{
    /// <summary>The student's scheme.</summary>
    public required Scheme Scheme { get; init; }

    /// <summary>The distance of the student from the teacher on held-out text before any training.</summary>
    public required RetrofitAgreement Before { get; init; }

    /// <summary>
    /// The same after distillation, on the same text; null before it. If <see cref="DistillationDiscarded"/>, it is of the student that was
    /// discarded.
    /// </summary>
    public RetrofitAgreement? After { get; init; }

    /// <summary>
    /// Whether the student has its weights from before distillation, because distillation has made it worse on the held-out text: by <see
    /// cref="RetrofitAgreement.KlPerToken"/>, weighed against <see cref="RetrofitAgreement.StudentLoss"/> as in the training if that has a
    /// <see cref="RetrofitEstimator.Options.CrossEntropyWeight"/>.
    /// </summary>
    public bool DistillationDiscarded { get; internal init; }

    /// <summary>The memory of a training batch's hidden states.</summary>
    public required HiddenStateMemory Memory { get; init; }

    /// <summary>The bytes of remainders that the backward pass needs per activation and layer; 0 without remainders.</summary>
    public double BytesPerActivation => Scheme.RemainderBitsPerActivation / 8.0;

    /// <summary>
    /// How well fixed-point steps find the hidden state before each layer, from layer 1; empty unless the scheme uses such steps or the
    /// options ask for the measurement.
    /// </summary>
    public IReadOnlyList<LayerEstimate> Estimates { get; init; } = [];

    /// <summary>Says in words whether fixed-point steps help; null if <see cref="Estimates"/> is empty.</summary>
    public string? EstimateVerdict => Language.EstimateVerdict.Of(Estimates);

    /// <summary>
    /// The conversions that were measured to choose the scheme, the nearest to the teacher first; empty if the scheme was given.
    /// </summary>
    public IReadOnlyList<RetrofitCandidate> Candidates { get; init; } = [];

    /// <summary>Why <see cref="Scheme"/> was chosen; null if it was given.</summary>
    public string? Reason { get; init; }

    /// <summary>The step sizes that were tried, with the student's distance from the teacher; empty if none was searched for.</summary>
    public IReadOnlyList<RetrofitCandidate> StepSizes { get; init; } = [];

    /// <summary>The report as one line of JSON; a number that is not finite is null.</summary>
    public string ToJson() => RetrofitJson.Of(this);

    /// <summary>The report as tables in plain text, with the best of <see cref="StepSizes"/> only.</summary>
    public override string ToString() => RetrofitText.Of(this);
}

/// <summary>The distance of a student from its teacher on one text.</summary>
/// <param name="KlPerToken">
/// KL(teacher‖student), Σ t log(t / s) over the vocabulary, as a mean over the tokens, nats; 0 if both give the same distributions, and
/// infinite or NaN if the student's logits are not finite.
/// </param>
/// <param name="Top1Agreement">The fraction of tokens for which both have the same most likely next token, within [0, 1].</param>
/// <param name="TeacherLoss">The teacher's mean cross-entropy, nats a token.</param>
/// <param name="StudentLoss">The student's mean cross-entropy, nats a token.</param>
/// <param name="TokenCount">The number of tokens that these are means over, without padding.</param>
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

/// <summary>A conversion of a teacher, measured before any training.</summary>
/// <param name="Scheme">The scheme that the teacher's blocks were run under.</param>
/// <param name="Agreement">Its distance from the teacher.</param>
/// <param name="BitsPerActivation">
/// The bits of remainders that the backward pass needs per activation and layer; 0 without remainders.
/// </param>
/// <param name="EvaluationsPerLayer">
/// The number of block evaluations per layer in the forward pass. The backward pass needs as many again, with gradients.
/// </param>
/// <param name="Fits">Whether it is within the limits on memory and cost.</param>
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
/// The memory of a training batch's hidden states between forward and backward pass, computed from their sizes. The head, the parameters
/// and the graph of one block at a time come on top; they are the same in all modes.
/// </summary>
/// <param name="Tokens">The tokens of the batch, including padding.</param>
/// <param name="Reversible">The bytes that the reversible backward mode keeps: a few hidden states and the remainders.</param>
/// <param name="Remainders">The bytes of these that are remainders. Only they grow with depth.</param>
/// <param name="Checkpointed">
/// The bytes that the checkpointed backward mode keeps: a float32 hidden state before every layer, and the last one.
/// </param>
public sealed record HiddenStateMemory(long Tokens, long Reversible, long Remainders, long Checkpointed)
{
    private const int Float32 = 4;
    private const int Float64 = 8;

    /// <summary>Computes the memory of a training batch.</summary>
    /// <param name="scheme">The scheme.</param>
    /// <param name="layers">Number of layers.</param>
    /// <param name="width">The width of the hidden states.</param>
    /// <param name="tokens">The tokens of the batch.</param>
    /// <param name="arithmetic">The arithmetic of the hidden states; null takes the scheme's default.</param>
    internal static HiddenStateMemory Of(Scheme scheme, int layers, int width, long tokens, Arithmetic? arithmetic = null)
    {
        bool exact = (arithmetic ?? scheme.DefaultArithmetic) == Arithmetic.Exact;
        long elements = checked(tokens * width);
        // The first hidden state and the last two. In exact arithmetic they are float64, and the output is a float32 copy in addition.
        long states = exact ? 3 * Float64 + Float32 : 3 * Float32;
        // The first two layers need no remainders: the first hidden state is kept, and the second follows from it.
        long side = checked(Math.Max(0, layers - 2) * (((exact ? elements * scheme.RemainderBitsPerActivation : 0) + 7) / 8));
        return new(tokens, checked(elements * states + side), side, checked((layers + 1) * elements * Float32));
    }
}

/// <summary>
/// How well fixed-point steps find the input of a residual block from its output, measured on the teacher's own hidden states
/// x_j = x_{j-1} + f(x_{j-1}) with f = f_{j-1}:
/// <code>
///     y₀ = x_j       yᵢ₊₁ = x_j - f(yᵢ)       E_m(x_j) = y_m
/// </code>
/// </summary>
/// <remarks>
/// Each step multiplies the error by a local factor, ‖f(yᵢ) - f(x_{j-1})‖ / ‖yᵢ - x_{j-1}‖, so a step helps only if that factor is below 1.
/// The iteration converges if f is a contraction, that is, has a Lipschitz factor below 1.
/// </remarks>
public sealed record LayerEstimate
{
    /// <summary>The layer j, from 1, whose input is estimated.</summary>
    public required int Layer { get; init; }

    /// <summary>
    /// ‖E_m(x_j) - x_{j-1}‖ / ‖x_{j-1}‖ for m = 0, 1, 2, ..., with norms over all channels of all tokens; for m = 0, x_j itself is the
    /// estimate.
    /// </summary>
    public required IReadOnlyList<double> RelativeErrors { get; init; }

    /// <summary>
    /// The largest singular value of f's Jacobian J over the points tried, which are the first (at most 128) tokens of the teacher's
    /// windows. It is a lower bound, found by power iteration: ‖Jᵀu‖ for a unit vector u, with Jᵀ by automatic differentiation. The
    /// products with J in the iteration are central differences.
    /// </summary>
    public required double LipschitzFactor { get; init; }

    /// <summary>
    /// The factor by which each step multiplied the error, for steps 1, 2, ...: ‖f(y) - f(x)‖ / ‖y - x‖ at the points of the iteration.
    /// </summary>
    public IReadOnlyList<double> LocalFactors =>
        [.. RelativeErrors.Skip(1).Zip(RelativeErrors, (after, before) => before == 0 ? 0 : after / before)];

    /// <summary>The number of steps with the smallest error; 0 if no step helps.</summary>
    public int BestSteps =>
        Enumerable.Range(0, RelativeErrors.Count).MinBy(m => double.IsNaN(RelativeErrors[m]) ? double.PositiveInfinity : RelativeErrors[m]);
}
