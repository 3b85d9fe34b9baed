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
/// Make it after the parameters are on their device. While it lives, the parameters' <c>grad</c> are views of its buffers, to which
/// backward passes add in place; do not replace them. With <see cref="OptimizerPlacement.InsideBackward"/>, the groups of the stack take
/// turns on one gradient buffer: <see cref="ZeroGradients"/> gives it to the last one, and <see cref="PassGradientOn"/> to the next.
/// </remarks>
internal sealed class FlatAdamW : IDisposable
{
    private readonly AdamWSettings _settings;
    private readonly FlatAdamWGroup[] _groups;
    private readonly Tensor[] _gradients;
    private readonly Tensor _firstMoments;
    private readonly Tensor _secondMoments;
    private readonly bool _shared;

    /// <summary>
    /// Takes a model's parameters where they lie in flat buffers already, as a <see cref="LanguageNetwork"/>'s do, and else moves them into
    /// such, group by group.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="stack">Its stack.</param>
    /// <param name="settings">AdamW's constants.</param>
    /// <param name="placement">Whether the groups of the stack share one gradient.</param>
    /// <exception cref="ArgumentException">A parameter is not float32, or belongs to two functions of the stack.</exception>
    public FlatAdamW(nn.Module model, LayerStack stack, AdamWSettings settings, OptimizerPlacement placement)
    {
        _settings = settings;
        _shared = placement == OptimizerPlacement.InsideBackward;
        Placement = placement;
        FlatLayout[] layouts = Layouts(model, stack);
        FlatParameters? flat = model is LanguageNetwork network && ReferenceEquals(network.Stack, stack) ? network.Flat : null;
        using var scope = NewDisposeScope();
        Device device = model.parameters().First().device;
        long all = layouts.Sum(layout => layout.Length);
        _gradients = _shared
            ? [Zeros(layouts[..^1].Max(layout => layout.Length)), Zeros(layouts[^1].Length)]
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
        if (!_shared) return;
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

    private static FlatLayout[] Layouts(nn.Module model, LayerStack stack)
    {
        List<Parameter[]> groups = [.. FlatParameters.Groups(model, stack).Select(group => group.Where(p => p.requires_grad).ToArray())];
        var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
        foreach (Parameter parameter in groups.SelectMany(group => group))
        {
            if (!seen.Add(parameter))
                throw new ArgumentException("A parameter belongs to two functions of the stack; each must have its own.", nameof(stack));
            if (parameter.dtype != ScalarType.Float32)
                throw new ArgumentException(
                    $"A parameter is {parameter.dtype}; the optimizer needs float32 parameters.", nameof(model));
        }
        return [.. groups.Select(group => new FlatLayout(group))];
    }
}
