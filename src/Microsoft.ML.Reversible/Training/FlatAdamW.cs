using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// AdamW over flat buffers: one group of parameters for each function of the stack, and an outer group of all others (embeddings, final
/// norm, head). Parameters without gradients are in no group. A step takes one or two kernels per group; TorchSharp's AdamW takes nine per
/// parameter, after a separate pass for clipping.
/// </summary>
/// <remarks>
/// Create it after the parameters are on their device. Until it is disposed, the parameters' <c>grad</c> are views of its buffers, to which
/// backward passes add in place; do not replace them. With <see cref="OptimizerPlacement.InsideBackward"/>, the layers' groups take turns
/// with one gradient buffer: <see cref="ZeroGradients"/> gives it to the last group, and <see cref="PassGradientOn"/> to the group below.
/// </remarks>
internal sealed class FlatAdamW : IDisposable
{
    private readonly AdamWSettings _settings;
    private readonly FlatAdamWGroup[] _groups;
    private readonly Tensor[] _gradients;
    private readonly Tensor _firstMoments;
    private readonly Tensor _secondMoments;
    private readonly bool _shared;

    /// <summary>Uses parameters in place if they are in flat buffers already; otherwise moves them into new ones, group by group.</summary>
    /// <param name="groups">The parameters: a group for each layer in forward order, then a group of all others.</param>
    /// <param name="settings">AdamW's constants.</param>
    /// <param name="placement">Whether the layers' groups share one gradient buffer.</param>
    /// <param name="flat">The buffer that the parameters are in, in the same groups; null if there is none.</param>
    /// <exception cref="ArgumentException">A parameter is not float32, or belongs to two groups.</exception>
    public FlatAdamW(
        IEnumerable<Parameter[]> groups, AdamWSettings settings, OptimizerPlacement placement, FlatParameters? flat = null)
    {
        _settings = settings;
        _shared = placement == OptimizerPlacement.InsideBackward;
        Placement = placement;
        FlatLayout[] layouts = Layouts(groups);
        using var scope = NewDisposeScope();
        Device device = layouts.SelectMany(layout => layout.Parameters).First().device;
        long all = layouts.Sum(layout => layout.Length);
        _gradients = _shared
            ? [Zeros(layouts[..^1].Select(layout => layout.Length).DefaultIfEmpty(FlatLayout.Row).Max()), Zeros(layouts[^1].Length)]
            : [Zeros(all)];
        (_firstMoments, _secondMoments) = (Zeros(all), Zeros(all));
        _groups = new FlatAdamWGroup[layouts.Length];
        long start = 0;
        for (int i = 0; i < layouts.Length; i++)
        {
            FlatLayout layout = layouts[i];
            Tensor gradient = !_shared ? Stretch(_gradients[0]) : _gradients[i == OuterGroup ? 1 : 0].narrow(0, 0, layout.Length);
            _groups[i] = new FlatAdamWGroup(
                layout, flat?.Find(i, layout) ?? Zeros(layout.Used), gradient,
                Stretch(_firstMoments), Stretch(_secondMoments));
            start += layout.Length;

            Tensor Stretch(Tensor buffer) => buffer.narrow(0, start, layout.Length);
        }
        foreach (FlatAdamWGroup group in _shared ? _groups[OuterGroup..] : _groups) group.AttachGradients();

        Tensor Zeros(long length) => zeros(length, dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
    }

    /// <summary>When the layers' groups are updated.</summary>
    public OptimizerPlacement Placement { get; }

    /// <summary>
    /// The index of the group of the parameters outside the stack. The groups of the stack's functions come before it, from 0.
    /// </summary>
    public int OuterGroup => _groups.Length - 1;

    /// <summary>The number of steps done.</summary>
    public long StepCount { get; private set; }

    /// <summary>The number of elements of all gradient buffers together.</summary>
    public long GradientElements => _gradients.Sum(g => g.numel());

    /// <summary>The moments with their names, for a checkpoint. The tensors are the optimizer's own, float32.</summary>
    public IEnumerable<(string Name, Tensor Value)> State =>
    [
        .. _groups.Select((group, i) => ($"exp_avg.{i}", group.FirstMoment)),
        .. _groups.Select((group, i) => ($"exp_avg_sq.{i}", group.SecondMoment)),
    ];

    /// <summary>Loads the state from a checkpoint, one tensor at a time. A failure leaves the state partly loaded.</summary>
    /// <param name="stepCount">The number of steps done, at least 0.</param>
    /// <param name="read">Returns the tensor for a name of <see cref="State"/>; this method disposes of it.</param>
    /// <exception cref="InvalidDataException">The step count is negative, or a tensor has another shape or type.</exception>
    public void Load(long stepCount, Func<string, Tensor> read)
    {
        if (stepCount < 0) throw new InvalidDataException($"The optimizer's step count is {stepCount}; it must be at least 0.");
        using var noGraph = no_grad();
        foreach (var (name, value) in State)
        {
            using Tensor stored = read(name);
            if (stored.dtype != value.dtype || !stored.shape.SequenceEqual(value.shape))
                throw new InvalidDataException(
                    $"The optimizer's '{name}' is {stored.dtype} of shape [{string.Join(", ", stored.shape)}], " +
                    $"but this model needs {value.dtype} of shape [{string.Join(", ", value.shape)}].");
            value.copy_(stored);
        }
        StepCount = stepCount;
    }

    /// <summary>Sets all gradients to zero before a backward pass: one kernel per buffer.</summary>
    public void ZeroGradients()
    {
        using var noGraph = no_grad();
        foreach (Tensor gradient in _gradients) gradient.zero_();
        if (!_shared || OuterGroup == 0) return;
        foreach (FlatAdamWGroup group in _groups[..OuterGroup]) group.DetachGradients();
        _groups[OuterGroup - 1].AttachGradients();
    }

    /// <summary>
    /// Passes the shared gradient buffer from a group of the stack to the group below. Its content becomes the gradients that functions
    /// above have already added to that group's parameters, or else zero.
    /// </summary>
    public void PassGradientOn(int group)
    {
        _groups[group].DetachGradients();
        _groups[group].ZeroGradient();
        if (group > 0) _groups[group - 1].TakeOverGradients();
    }

    /// <summary>Returns the norm of all gradients as one vector. Waits for the device once, to read one number per group.</summary>
    public double GradNorm()
    {
        using var scope = NewDisposeScope();
        using Tensor norms = stack(_groups.Select(group => group.GradNorm()).ToList()).cpu();
        return Math.Sqrt(norms.data<double>().ToArray().Sum(norm => norm * norm));
    }

    /// <summary>Returns the norm of one group's gradient. Waits for the device.</summary>
    public double GradNorm(int group)
    {
        using Tensor norm = _groups[group].GradNorm();
        return norm.item<double>();
    }

    /// <summary>Takes a step of all groups, without waiting for the device.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="gradScale">The factor of the gradients.</param>
    public void Step(double rate, double gradScale = 1)
    {
        for (int group = 0; group < _groups.Length; group++) StepGroup(group, rate, gradScale);
        CompleteStep();
    }

    /// <summary>Takes the current step of one group. Call <see cref="CompleteStep"/> after all groups.</summary>
    public void StepGroup(int group, double rate, double gradScale = 1) => _groups[group].Step(rate, gradScale, StepCount + 1, _settings);

    /// <summary>Increments the step count.</summary>
    public void CompleteStep() => StepCount++;

    /// <summary>Frees gradients and moments. The parameters stay, without a <c>grad</c>.</summary>
    public void Dispose()
    {
        foreach (FlatAdamWGroup group in _groups) group.Dispose();
        foreach (Tensor buffer in (Tensor[])[.. _gradients, _firstMoments, _secondMoments]) buffer.Dispose();
    }

    private static FlatLayout[] Layouts(IEnumerable<Parameter[]> groups)
    {
        List<Parameter[]> trained = [.. groups.Select(group => group.Where(p => p.requires_grad).ToArray())];
        var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
        foreach (Parameter parameter in trained.SelectMany(group => group))
        {
            if (!seen.Add(parameter))
                throw new ArgumentException("A parameter belongs to two functions of the stack; each must have its own.", nameof(groups));
            if (parameter.dtype != ScalarType.Float32)
                throw new ArgumentException(
                    $"A parameter is {parameter.dtype}; the optimizer needs float32 parameters.", nameof(groups));
        }
        return [.. trained.Select(group => new FlatLayout(group))];
    }
}

/// <summary>The constants of AdamW.</summary>
/// <param name="Beta1">Decay of the gradient's running mean, within [0, 1).</param>
/// <param name="Beta2">Decay of the squared gradient's running mean, within [0, 1).</param>
/// <param name="Epsilon">The constant added to the denominator, positive.</param>
/// <param name="WeightDecay">Decoupled weight decay of the matrices, at least 0; biases and norms do not decay.</param>
internal readonly record struct AdamWSettings(double Beta1, double Beta2, double Epsilon, double WeightDecay);

/// <summary>Parameters in a contiguous range of a buffer, with AdamW's two moments and a gradient in the same layout.</summary>
internal sealed class FlatAdamWGroup : IDisposable
{
    /// <summary>Below this, the square of the gradient's scale underflows in float32.</summary>
    private const double LeastFoldedScale = 1e-12;

    private readonly Parameter[] _parameters;
    private readonly Tensor[] _gradientViews;
    private readonly Tensor _values;
    private readonly Tensor _decaying;
    private readonly Tensor _gradient;

    /// <summary>Creates the group, which takes ownership of the tensors.</summary>
    /// <param name="layout">The parameters, float32, with values.</param>
    /// <param name="values">
    /// Their range of the buffer, of shape [<see cref="FlatLayout.Used"/>]. Parameters that are not in it yet are moved to it.
    /// </param>
    /// <param name="gradient">The gradient's buffer, of shape [<see cref="FlatLayout.Length"/>]; other groups may share it.</param>
    /// <param name="firstMoment">Zeros of the same shape.</param>
    /// <param name="secondMoment">Zeros of the same shape.</param>
    public FlatAdamWGroup(FlatLayout layout, Tensor values, Tensor gradient, Tensor firstMoment, Tensor secondMoment)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        _parameters = [.. layout.Parameters];
        layout.Move(values);
        _values = values.DetachFromDisposeScope();
        _decaying = values.narrow(0, 0, layout.MatrixElements).DetachFromDisposeScope();
        _gradient = gradient.DetachFromDisposeScope();
        _gradientViews = [.. layout.Views(gradient).Select(view => view.DetachFromDisposeScope())];
        FirstMoment = firstMoment.DetachFromDisposeScope();
        SecondMoment = secondMoment.DetachFromDisposeScope();
    }

    /// <summary>The running mean of the gradient, float32, laid out as the parameters, of shape [n].</summary>
    public Tensor FirstMoment { get; }

    /// <summary>The running mean of the squared gradient, float32, laid out as the parameters, of shape [n].</summary>
    public Tensor SecondMoment { get; }

    /// <summary>Makes the parameters' <c>grad</c> views of the gradient buffer, to which backward passes then add in place.</summary>
    public void AttachGradients()
    {
        for (int i = 0; i < _parameters.Length; i++) _parameters[i].grad = _gradientViews[i];
    }

    /// <summary>Adds the parameters' present <c>grad</c> to the buffer, then attaches the views.</summary>
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

    /// <summary>Removes the parameters' <c>grad</c>.</summary>
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
    /// Returns the norm of the gradient, a float64 scalar on its device: one kernel over the gradient, and two over a thousandth of it.
    /// </summary>
    /// <remarks>
    /// On the CPU, float32 sums over millions of elements are wrong in the third digit, so each row is summed in float32 and the rows' sums
    /// in float64.
    /// </remarks>
    public Tensor GradNorm()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return _gradient.view(-1, FlatLayout.Row).norm(dim: 1).to(ScalarType.Float64).norm().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Updates the parameters. With g the scaled gradient and t the step, from 1:
    /// <code>
    ///     p *= 1 - lr wd (matrices)      m = β₁ m + (1 - β₁) g      v = β₂ v + (1 - β₂) g²
    ///     p -= lr √c₂ / c₁ · m / (√v + ε √c₂)      with c₁ = 1 - β₁ᵗ, c₂ = 1 - β₂ᵗ
    /// </code>
    /// </summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="gradScale">The factor of the gradient, for example for clipping.</param>
    /// <param name="step">t.</param>
    /// <param name="settings">The constants.</param>
    /// <param name="fused">Whether to use libtorch's fused kernel where it has one. The two ways differ by rounding.</param>
    public void Step(double rate, double gradScale, long step, AdamWSettings settings, bool fused = true)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        if (gradScale < LeastFoldedScale)
        {
            _gradient.mul_(gradScale);
            gradScale = 1;
        }
        long matrices = settings.WeightDecay > 0 ? _decaying.numel() : 0;
        Take(0, matrices, settings);
        Take(matrices, _values.numel() - matrices, settings with { WeightDecay = 0 });

        void Take(long start, long length, AdamWSettings own)
        {
            if (length == 0) return;
            Tensor[] parts = Array.ConvertAll([_values, _gradient, FirstMoment, SecondMoment], x => x.narrow(0, start, length));
            if (fused && FusedAdamW.TryStep(
                parts[0], parts[1], parts[2], parts[3], step, rate, 1 / gradScale,
                new(own.Beta1, own.Beta2, own.Epsilon, own.WeightDecay))) return;
            ComposedStep(parts[0], parts[1], parts[2], parts[3], rate, gradScale, step, own);
        }
    }

    /// <remarks>
    /// Takes eight kernels for any number of parameters: one for the weight decay, two for each moment (its decay, and the gradient, whose
    /// factor includes the scale), √v, + ε, and the quotient. The division of √v by √c₂ is folded into two scalars.
    /// </remarks>
    private static void ComposedStep(
        Tensor values, Tensor gradient, Tensor first, Tensor second, double rate, double gradScale, long step, AdamWSettings settings)
    {
        double beta1 = settings.Beta1, beta2 = settings.Beta2;
        double correction1 = 1 - Math.Pow(beta1, step), root2 = Math.Sqrt(1 - Math.Pow(beta2, step));

        if (settings.WeightDecay > 0) values.mul_(1 - rate * settings.WeightDecay);
        first.mul_(beta1).add_(gradient, (1 - beta1) * gradScale);
        second.mul_(beta2).addcmul_(gradient, gradient, (1 - beta2) * gradScale * gradScale);
        values.addcdiv_(first, second.sqrt().add_(settings.Epsilon * root2), -rate * root2 / correction1);
    }

    /// <summary>Frees everything except the parameters, which keep their buffer alive.</summary>
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
}
