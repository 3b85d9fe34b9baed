using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Makes the parameters of a new model. They are empty at first, so that a model can be built, and its shapes read, without memory.
/// <see cref="Allocate"/> then gives all of them their memory and values.
/// </summary>
/// <remarks>
/// Parameters are made on their device: moving a module afterwards would replace its Parameter objects and untie shared ones.
/// Random values are drawn on the CPU, in the order in which the parameters were made, so that a seed gives the same model on every device
/// and in every layout.
/// </remarks>
/// <param name="device">Where the parameters are made.</param>
/// <param name="seed">Seeds the random values; null leaves them zero, for a model that is about to be read from a file.</param>
/// <param name="frozen">
/// The number type of parameters that are never trained, which get no gradients; null makes trained ones, which are float32.
/// </param>
internal sealed class ParameterFactory(Device device, int? seed, Precision? frozen = null) : IDisposable
{
    /// <summary>The standard deviation of GPT-2's initial weights.</summary>
    public const double Deviation = 0.02;

    private static long _count;

    private readonly Generator _generator = new(unchecked((ulong)(seed ?? 0)));
    private readonly List<(Parameter Parameter, long[] Shape, Action<Tensor>? Fill, SharedParameter? Shared)> _made = [];
    private readonly List<Action<Device>> _tables = [];

    /// <summary>
    /// The standard deviation of the matrices whose output is added to the hidden state, so that the sum over the layers keeps its size.
    /// </summary>
    public static double OutputDeviation(LanguageModelConfiguration configuration) => Deviation / Math.Sqrt(2.0 * configuration.LayerCount);

    /// <summary>Where the parameters are made.</summary>
    public Device Device => device;

    /// <summary>
    /// The parameters of another model that the first ones made here use, in the order in which both were made; none by default. The ones
    /// after them are new.
    /// </summary>
    public IReadOnlyList<SharedParameter> Shared { get; init; } = [];

    /// <summary>The number type of parameters that are never trained; null where they are trained.</summary>
    public Precision? Frozen => frozen;

    /// <summary>The parameters, in the order in which they were made.</summary>
    public IEnumerable<Parameter> Made => _made.Select(made => made.Parameter);

    /// <summary>
    /// Number of parameters made in this process, disposed or not. TorchSharp 0.107's <c>Tensor.TotalCount</c> rises by one for good
    /// with each: a parameter takes over the handle of a tensor that is then not counted down.
    /// </summary>
    internal static long Count => Interlocked.Read(ref _count);

    public Parameter Ones(params long[] shape) => Make(shape, values => values.fill_(1));

    public Parameter Zeros(params long[] shape) => Make(shape, null);

    public Parameter Normal(double deviation, params long[] shape) =>
        Make(shape, seed is null ? null : values => values.normal_(0, deviation, _generator));

    /// <summary>Makes a matrix of [outputs, inputs] with PyTorch's initial values of a linear layer, uniform within ±1/√inputs.</summary>
    public Parameter Uniform(long outputs, long inputs)
    {
        double bound = 1 / Math.Sqrt(inputs);
        return Make([outputs, inputs], seed is null ? null : values => values.uniform_(-bound, bound, _generator));
    }

    /// <summary>Registers a function that makes tables on the device; <see cref="Allocate"/> calls it.</summary>
    public void WhenAllocated(Action<Device> make) => _tables.Add(make);

    /// <summary>Gives the parameters their memory and their values. Those of another model keep its memory, or copy its values.</summary>
    /// <param name="groups">All of them, by the stretch of the buffer that they lie in.</param>
    /// <returns>The buffer of those with memory of their own; the caller disposes of it.</returns>
    public FlatParameters Allocate(IEnumerable<IEnumerable<Parameter>> groups)
    {
        var shapes = new Dictionary<Parameter, long[]>(ReferenceEqualityComparer.Instance);
        foreach (var (parameter, shape, _, shared) in _made)
            if (shared is not { Copied: false }) shapes.Add(parameter, shape);
        var flat = new FlatParameters(
            groups.Select(group => new FlatLayout(group.Where(shapes.ContainsKey).Select(p => (p, shapes[p])))), device, OwnType);
        using var noGraph = no_grad();
        foreach (Action<Device> table in _tables) table(device);
        foreach (var (parameter, shape, fill, shared) in _made)
        {
            // An in-place operation may return another wrapper of its tensor, which must be freed too.
            using var scope = NewDisposeScope();
            if (shared is { } from)
            {
                if (from.Copied) parameter.copy_(from.Source);
                else parameter.set_(from.Source);
                continue;
            }
            if (fill is null) continue;
            bool inPlace = device.type == DeviceType.CPU && OwnType == ScalarType.Float32;
            Tensor values = inPlace ? parameter : empty(shape, dtype: ScalarType.Float32, device: CPU);
            fill(values);
            if (!inPlace) parameter.copy_(values);
        }
        return flat;
    }

    public void Dispose() => _generator.Dispose();

    private ScalarType OwnType => frozen?.ToScalarType() ?? ScalarType.Float32;

    private Parameter Make(long[] shape, Action<Tensor>? fill)
    {
        using var scope = NewDisposeScope();
        SharedParameter? shared = _made.Count < Shared.Count ? Shared[_made.Count] : null;
        bool aliases = shared is { Copied: false };
        Tensor values = empty(0, dtype: aliases ? shared!.Value.Source.dtype : OwnType, device: device);
        var parameter = (Parameter)new Parameter(values, requires_grad: !aliases && frozen is null).DetachFromDisposeScope();
        Interlocked.Increment(ref _count);
        _made.Add((parameter, shape, fill, shared));
        return parameter;
    }
}

/// <summary>A parameter of one model that another model uses, frozen there.</summary>
/// <param name="Source">The parameter.</param>
/// <param name="Copied">Whether the other model has a trained float32 copy of it instead.</param>
internal readonly record struct SharedParameter(Parameter Source, bool Copied = false);

/// <summary>
/// The parameters of a network in one buffer: a stretch for each function of its stack, and one for all others (embeddings, final norm,
/// head). An optimizer works on the stretches in place. If it had to move the parameters, the caching allocator of a GPU would keep their
/// old memory: one more copy of the model.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    private readonly (FlatLayout Layout, long Start)[] _groups;
    private readonly Tensor _buffer;

    /// <summary>Makes the buffer, all zeros, and gives the parameters their places in it.</summary>
    /// <param name="groups">The parameters of each stretch.</param>
    /// <param name="device">Where the buffer is made.</param>
    /// <param name="type">The number type.</param>
    public FlatParameters(IEnumerable<FlatLayout> groups, Device device, ScalarType type = ScalarType.Float32)
    {
        var stretches = new List<(FlatLayout, long)>();
        long length = 0;
        foreach (FlatLayout layout in groups)
        {
            stretches.Add((layout, length));
            length += layout.Length;
        }
        _groups = [.. stretches];
        // One buffer for all: allocators round sizes up, which would waste memory in each of many.
        _buffer = zeros(length, dtype: type, device: device).DetachFromDisposeScope();
        foreach (var (layout, start) in _groups)
        {
            using Tensor stretch = _buffer.narrow(0, start, layout.Length);
            layout.Place(stretch);
        }
    }

    /// <summary>Returns the parameters of each function of a stack, and last those of the network that are in none.</summary>
    public static IEnumerable<Parameter[]> Groups(nn.Module model, LayerStack stack)
    {
        var inStack = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
        foreach (nn.Module function in stack.Blocks)
        {
            Parameter[] group = [.. function.parameters()];
            inStack.UnionWith(group);
            yield return group;
        }
        yield return [.. model.parameters().Where(p => !inStack.Contains(p))];
    }

    /// <summary>Finds the place of a group's parameters, or of some that are neighbours there.</summary>
    /// <param name="group">The group's index.</param>
    /// <param name="part">The parameters.</param>
    /// <returns>That part of the buffer, in the caller's dispose scope; null where the parameters are not there.</returns>
    public Tensor? Find(int group, FlatLayout part)
    {
        (FlatLayout layout, long start) = _groups[group];
        return layout.StartOf(part) is { } first ? _buffer.narrow(0, start + first, part.Used) : null;
    }

    /// <summary>Releases the buffer; the parameters keep it alive while they live.</summary>
    public void Dispose() => _buffer.Dispose();
}

/// <summary>The order of parameters in a stretch of a buffer: matrices first, since weight decay applies to them alone.</summary>
/// <remarks>Moments in checkpoints have the same layout, so another order or alignment would make old checkpoints wrong.</remarks>
internal sealed class FlatLayout
{
    /// <summary>The length of a stretch is a multiple of it, in elements, so that a gradient can be viewed as rows.</summary>
    public const long Row = 1024;

    /// <summary>
    /// The alignment of parameters in elements: 256 bytes, as allocators align their blocks. Without it, matrix products would take slower
    /// paths, and give other bits than on a parameter that is allocated alone. The gaps hold zeros and keep them.
    /// </summary>
    private const long Alignment = 64;

    private readonly (Parameter Parameter, long[] Shape, long Start)[] _places;

    /// <summary>Lays parameters out.</summary>
    /// <param name="parameters">The parameters, each with the shape that it has or will have.</param>
    public FlatLayout(IEnumerable<(Parameter Parameter, long[] Shape)> parameters)
    {
        var places = new List<(Parameter, long[], long)>();
        foreach (var (parameter, shape) in parameters.OrderByDescending(p => IsMatrix(p.Shape)))
        {
            places.Add((parameter, shape, Used));
            Used += RoundUp(Elements(shape), Alignment);
            if (IsMatrix(shape)) MatrixElements = Used;
        }
        _places = [.. places];
    }

    /// <summary>Lays parameters out in the shapes that they have.</summary>
    public FlatLayout(IEnumerable<Parameter> parameters) : this(parameters.Select(p => (p, p.shape)))
    {
    }

    /// <summary>Number of elements that the matrices take, at the front.</summary>
    public long MatrixElements { get; }

    /// <summary>Number of elements that the parameters take with their gaps.</summary>
    public long Used { get; private set; }

    /// <summary>Number of elements of a stretch for the parameters; one row where there are none.</summary>
    public long Length => RoundUp(Math.Max(1, Used), Row);

    /// <summary>The parameters, in order.</summary>
    public IEnumerable<Parameter> Parameters => _places.Select(place => place.Parameter);

    /// <summary>Returns each parameter's place in a stretch, as a tensor of the parameter's shape, in order.</summary>
    public IEnumerable<Tensor> Views(Tensor stretch) => _places.Select(place =>
    {
        using var scope = NewDisposeScope();
        return stretch.narrow(0, place.Start, Elements(place.Shape)).view(place.Shape).MoveToOuterDisposeScope();
    });

    /// <summary>Gives the parameters their places in a stretch, with the values that are there.</summary>
    public void Place(Tensor stretch)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (var (parameter, view) in Parameters.Zip(Views(stretch))) parameter.set_(view);
    }

    /// <summary>
    /// Moves the parameters with their values to their places in a stretch. The values of those that are there already are copied onto
    /// themselves, because TorchSharp does not tell which storage a tensor has.
    /// </summary>
    public void Move(Tensor stretch)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (var (parameter, view) in Parameters.Zip(Views(stretch)))
        {
            view.copy_(parameter);
            parameter.set_(view);
        }
    }

    /// <summary>Returns where another layout's parameters begin in this one; null unless they are here in the same order.</summary>
    public long? StartOf(FlatLayout part)
    {
        if (part._places.Length == 0) return null;
        int first = Array.FindIndex(_places, place => ReferenceEquals(place.Parameter, part._places[0].Parameter));
        if (first < 0 || part._places.Length > _places.Length - first) return null;
        bool same = part._places.Zip(_places.Skip(first)).All(pair =>
            ReferenceEquals(pair.First.Parameter, pair.Second.Parameter) && pair.First.Shape.SequenceEqual(pair.Second.Shape));
        return same ? _places[first].Start : null;
    }

    private static bool IsMatrix(long[] shape) => shape.Length >= 2;

    private static long Elements(long[] shape) => shape.Aggregate(1L, (product, size) => checked(product * size));

    private static long RoundUp(long elements, long unit) => (elements + unit - 1) / unit * unit;
}
