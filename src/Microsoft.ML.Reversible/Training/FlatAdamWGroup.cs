using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Parameters that lie one after the other in a buffer, matrices first since only they decay, with AdamW's two moments and a gradient laid
/// out alike.
/// </summary>
/// <remarks>
/// The Parameter objects stay what they are: <c>set_</c> gives them another storage and leaves identity, shape and place in the module
/// alone, so this works on any model, whoever made or loaded it. Parameters made as views from the start would tie every model to the
/// layout of its optimizer, also where it is only asked for text.
/// </remarks>
internal sealed class FlatAdamWGroup : IDisposable
{
    /// <summary>
    /// Elements to whose multiples parameters are aligned: the 256 bytes at which allocators start their blocks too. Without it, matrix
    /// products would take slower paths, and others than on a parameter that lies alone. The gaps hold zeros and keep them.
    /// </summary>
    private const long Alignment = 64;

    /// <summary>
    /// Elements whose squares are summed in float32, before the sums go on in float64: over millions, the CPU's float32 sums are wrong in
    /// the third digit. Buffers are multiples of it.
    /// </summary>
    private const long NormRow = 1024;

    /// <summary>Below this, the square of a gradient's scale gets out of float32's range.</summary>
    private const double LeastFoldedScale = 1e-12;

    private readonly Parameter[] _parameters;
    private readonly Tensor[] _gradientViews;
    private readonly Tensor _values;
    private readonly Tensor _decaying;
    private readonly Tensor _gradient;

    /// <summary>Moves the parameters into a buffer of their own; meanwhile they are there twice.</summary>
    /// <param name="parameters">The parameters, float32, on one device.</param>
    /// <param name="gradient">
    /// The gradient's buffer, of shape [n] with n at least <see cref="LengthOf"/>; other groups may use it too.
    /// </param>
    public FlatAdamWGroup(IEnumerable<Parameter> parameters, Tensor gradient)
    {
        _parameters = Ordered(parameters);
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        long length = LengthOf(_parameters), matrices = _parameters.Where(IsMatrix).Sum(p => RoundUp(p.numel(), Alignment));
        _values = zeros(length, device: gradient.device).DetachFromDisposeScope();
        _decaying = _values.narrow(0, 0, matrices).DetachFromDisposeScope();
        _gradient = gradient.narrow(0, 0, length).DetachFromDisposeScope();
        FirstMoment = zeros_like(_values).DetachFromDisposeScope();
        SecondMoment = zeros_like(_values).DetachFromDisposeScope();
        _gradientViews = new Tensor[_parameters.Length];
        long start = 0;
        for (int i = 0; i < _parameters.Length; i++)
        {
            Parameter parameter = _parameters[i];
            Tensor place = View(_values, parameter, start);
            place.copy_(parameter);
            parameter.set_(place);
            _gradientViews[i] = View(_gradient, parameter, start).DetachFromDisposeScope();
            start += RoundUp(parameter.numel(), Alignment);
        }
    }

    /// <summary>The running mean of the gradient, float32, laid out as the parameters, of shape [n].</summary>
    public Tensor FirstMoment { get; }

    /// <summary>The running mean of the squared gradient, float32, laid out as the parameters, of shape [n].</summary>
    public Tensor SecondMoment { get; }

    /// <summary>The length of the buffer that parameters need, in elements; one row where there are none.</summary>
    public static long LengthOf(IEnumerable<Parameter> parameters) =>
        RoundUp(Math.Max(1, parameters.Sum(p => RoundUp(p.numel(), Alignment))), NormRow);

    /// <summary>Makes the parameters' <c>grad</c> views of the gradient's buffer; backward passes then add to them in place.</summary>
    public void AttachGradients()
    {
        for (int i = 0; i < _parameters.Length; i++) _parameters[i].grad = _gradientViews[i];
    }

    /// <summary>Attaches them after adding the <c>grad</c> that parameters have.</summary>
    public void TakeOverGradients()
    {
        using (no_grad())
        {
            for (int i = 0; i < _parameters.Length; i++)
            {
                using Tensor? early = _parameters[i].grad;
                if (early is not null) _gradientViews[i].add_(early);
            }
        }
        AttachGradients();
    }

    /// <summary>Leaves the parameters without a <c>grad</c>.</summary>
    public void DetachGradients()
    {
        foreach (Parameter parameter in _parameters) parameter.grad = null;
    }

    /// <summary>Sets the gradient to zero: one kernel.</summary>
    public void ZeroGradient()
    {
        using var noGraph = no_grad();
        _gradient.zero_();
    }

    /// <summary>
    /// The norm of the gradient, a float64 scalar on its device: one kernel over the gradient, and two over a thousandth of it.
    /// </summary>
    public Tensor GradNorm()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return _gradient.view(-1, NormRow).norm(dim: 1).to(ScalarType.Float64).norm().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Changes the parameters. With g the scaled gradient and t the step from 1:
    /// <code>
    ///     p *= 1 - lr wd (matrices)      m = β₁ m + (1 - β₁) g      v = β₂ v + (1 - β₂) g²
    ///     p -= lr √c₂ / c₁ · m / (√v + ε √c₂)      with c₁ = 1 - β₁ᵗ, c₂ = 1 - β₂ᵗ
    /// </code>
    /// </summary>
    /// <remarks>
    /// Eight kernels, however many parameters there are: one for the decay, two for each moment (their decay, and the gradient with
    /// the scale folded into its factor), √v, + ε, and the quotient. TorchSharp's AdamW takes nine a parameter, after a pass of clipping;
    /// the division of √v by √c₂ is gone into the two scalars.
    /// </remarks>
    /// <param name="rate">The learning rate.</param>
    /// <param name="gradScale">What the gradient is multiplied by, as for clipping.</param>
    /// <param name="step">t.</param>
    /// <param name="settings">The constants.</param>
    public void Step(double rate, double gradScale, long step, AdamWSettings settings)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        if (gradScale < LeastFoldedScale)
        {
            _gradient.mul_(gradScale);
            gradScale = 1;
        }
        double beta1 = settings.Beta1, beta2 = settings.Beta2;
        double correction1 = 1 - Math.Pow(beta1, step), root2 = Math.Sqrt(1 - Math.Pow(beta2, step));

        if (settings.WeightDecay > 0) _decaying.mul_(1 - rate * settings.WeightDecay);
        FirstMoment.mul_(beta1).add_(_gradient, (1 - beta1) * gradScale);
        SecondMoment.mul_(beta2).addcmul_(_gradient, _gradient, (1 - beta2) * gradScale * gradScale);
        _values.addcdiv_(FirstMoment, SecondMoment.sqrt().add_(settings.Epsilon * root2), -rate * root2 / correction1);
    }

    /// <summary>Frees all but the parameters, which keep their buffer alive.</summary>
    public void Dispose()
    {
        foreach (Parameter parameter in _parameters.Where(p => !p.IsInvalid)) parameter.grad = null;
        foreach (Tensor view in _gradientViews) view.Dispose();
        _gradient.Dispose();
        _decaying.Dispose();
        _values.Dispose();
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }

    private static Parameter[] Ordered(IEnumerable<Parameter> parameters) => [.. parameters.OrderByDescending(IsMatrix)];

    private static bool IsMatrix(Parameter parameter) => parameter.dim() >= 2;

    private static long RoundUp(long elements, long unit) => (elements + unit - 1) / unit * unit;

    private static Tensor View(Tensor buffer, Parameter parameter, long start) =>
        buffer.narrow(0, start, parameter.numel()).view(parameter.shape);
}
