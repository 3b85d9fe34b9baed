using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// AdamW over flat buffers: one group of parameters a function of the stack, and an outer group of all others (embeddings, final norm,
/// head); those that need no gradient are in none. A group takes a handful of kernels, where TorchSharp's AdamW takes as many for each
/// parameter.
/// </summary>
/// <remarks>
/// Create it after the parameters are on their device. While it lives, the parameters' <c>grad</c> are views of its buffers, to which
/// backward passes add in place; do not replace them. With <see cref="OptimizerPlacement.InsideBackward"/>, the groups of the layers share
/// one gradient buffer in turn: <see cref="ZeroGradients"/> gives it to the last one, and <see cref="PassGradientOn"/> to the next.
/// </remarks>
internal sealed class FlatAdamW : IDisposable
{
    private readonly AdamWSettings _settings;
    private readonly FlatAdamWGroup[] _groups;
    private readonly Tensor[] _gradients;
    private readonly Tensor _firstMoments;
    private readonly Tensor _secondMoments;
    private readonly bool _shared;

    /// <summary>Takes parameters where they are in flat buffers already, and else moves them into such, group by group.</summary>
    /// <param name="groups">The parameters: a group for each layer in forward order, and last a group of all others.</param>
    /// <param name="settings">AdamW's constants.</param>
    /// <param name="placement">Whether the groups of the layers share one gradient.</param>
    /// <param name="flat">The buffer that the parameters are in, in the same groups; null where there is none.</param>
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

    /// <summary>When the groups of the stack are stepped.</summary>
    public OptimizerPlacement Placement { get; }

    /// <summary>The index of the group of the parameters outside the stack; those of the stack's functions are 0 to this less 1.</summary>
    public int OuterGroup => _groups.Length - 1;

    /// <summary>Number of steps done.</summary>
    public long StepCount { get; private set; }

    /// <summary>Elements of the gradient buffers, all together.</summary>
    public long GradientElements => _gradients.Sum(g => g.numel());

    /// <summary>The moments under their names, for a checkpoint: live tensors, float32.</summary>
    public IEnumerable<(string Name, Tensor Value)> State =>
    [
        .. _groups.Select((group, i) => ($"exp_avg.{i}", group.FirstMoment)),
        .. _groups.Select((group, i) => ($"exp_avg_sq.{i}", group.SecondMoment)),
    ];

    /// <summary>Takes over what a checkpoint holds, one tensor at a time; after a failure, load again or start anew.</summary>
    /// <param name="stepCount">The number of steps done, at least 0.</param>
    /// <param name="read">Gives the tensor of a name of <see cref="State"/>; it is disposed here.</param>
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

    /// <summary>Sets all gradients to zero, ready for a backward pass: one kernel a buffer.</summary>
    public void ZeroGradients()
    {
        using var noGraph = no_grad();
        foreach (Tensor gradient in _gradients) gradient.zero_();
        if (!_shared || OuterGroup == 0) return;
        foreach (FlatAdamWGroup group in _groups[..OuterGroup]) group.DetachGradients();
        _groups[OuterGroup - 1].AttachGradients();
    }

    /// <summary>
    /// Gives the shared gradient from a group of the stack to the one below it, with what functions above have added to that one's
    /// gradients already, and else zero.
    /// </summary>
    public void PassGradientOn(int group)
    {
        _groups[group].DetachGradients();
        _groups[group].ZeroGradient();
        if (group > 0) _groups[group - 1].TakeOverGradients();
    }

    /// <summary>
    /// The norm of all gradients as one vector. Waits for the device: one kernel a group and one number each are read, at once.
    /// </summary>
    public double GradNorm()
    {
        using var scope = NewDisposeScope();
        using Tensor norms = stack(_groups.Select(group => group.GradNorm()).ToList()).cpu();
        return Math.Sqrt(norms.data<double>().ToArray().Sum(norm => norm * norm));
    }

    /// <summary>The norm of one group's gradient. Waits for the device.</summary>
    public double GradNorm(int group)
    {
        using Tensor norm = _groups[group].GradNorm();
        return norm.item<double>();
    }

    /// <summary>One step of all groups; nothing waits for the device.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="gradScale">What the gradients are multiplied by.</param>
    public void Step(double rate, double gradScale = 1)
    {
        for (int group = 0; group < _groups.Length; group++) StepGroup(group, rate, gradScale);
        CompleteStep();
    }

    /// <summary>The present step of one group; <see cref="CompleteStep"/> follows when all groups have been stepped.</summary>
    public void StepGroup(int group, double rate, double gradScale = 1) => _groups[group].Step(rate, gradScale, StepCount + 1, _settings);

    /// <summary>Counts the step.</summary>
    public void CompleteStep() => StepCount++;

    /// <summary>Frees gradients and moments; the parameters stay, without a <c>grad</c>.</summary>
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
/// <param name="Epsilon">What is added to the denominator, positive.</param>
/// <param name="WeightDecay">Decoupled weight decay of the matrices, at least 0; biases and norms do not decay.</param>
internal readonly record struct AdamWSettings(double Beta1, double Beta2, double Epsilon, double WeightDecay);

/// <summary>Parameters in a stretch of a buffer, with AdamW's two moments and a gradient laid out alike.</summary>
internal sealed class FlatAdamWGroup : IDisposable
{
    /// <summary>Below this, the square of a gradient's scale gets out of float32's range.</summary>
    private const double LeastFoldedScale = 1e-12;

    private readonly Parameter[] _parameters;
    private readonly Tensor[] _gradientViews;
    private readonly Tensor _values;
    private readonly Tensor _decaying;
    private readonly Tensor _gradient;

    /// <summary>Makes the group; it takes over the tensors that it is given.</summary>
    /// <param name="layout">The parameters, float32, with values.</param>
    /// <param name="values">
    /// Their stretch, of shape [<see cref="FlatLayout.Used"/>], where they are already or are moved to now.
    /// </param>
    /// <param name="gradient">The gradient's stretch, of shape [<see cref="FlatLayout.Length"/>]; other groups may use it too.</param>
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
    /// <remarks>Over millions, the CPU's float32 sums are wrong in the third digit; so they are of rows, and go on in float64.</remarks>
    public Tensor GradNorm()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return _gradient.view(-1, FlatLayout.Row).norm(dim: 1).to(ScalarType.Float64).norm().MoveToOuterDisposeScope();
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
        Tensor gradient = Used(_gradient), first = Used(FirstMoment), second = Used(SecondMoment);
        double beta1 = settings.Beta1, beta2 = settings.Beta2;
        double correction1 = 1 - Math.Pow(beta1, step), root2 = Math.Sqrt(1 - Math.Pow(beta2, step));

        if (settings.WeightDecay > 0) _decaying.mul_(1 - rate * settings.WeightDecay);
        first.mul_(beta1).add_(gradient, (1 - beta1) * gradScale);
        second.mul_(beta2).addcmul_(gradient, gradient, (1 - beta2) * gradScale * gradScale);
        _values.addcdiv_(first, second.sqrt().add_(settings.Epsilon * root2), -rate * root2 / correction1);
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

    /// <summary>What the parameters use of a stretch.</summary>
    private Tensor Used(Tensor stretch) => stretch.narrow(0, 0, _values.numel());
}
