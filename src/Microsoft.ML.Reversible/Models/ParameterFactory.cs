using Microsoft.ML.Reversible.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>
/// Makes the float32 parameters of a new model, the random ones from one seeded stream. They are empty at first, so that a model can be put
/// together before it is known how they lie; <see cref="Allocate"/> then gives all of them shape, place and values.
/// </summary>
/// <remarks>
/// Parameters are made where they stay: moving a module afterwards would replace its Parameter objects and untie shared ones.
/// The random numbers are drawn on the CPU and in the order in which the parameters were asked for, so that a seed gives the same model on
/// every device and in every layout.
/// </remarks>
/// <param name="device">Where the parameters are made.</param>
/// <param name="seed">Seeds the random ones; null leaves them zero, for a model that is about to be read from a file.</param>
internal sealed class ParameterFactory(Device device, int? seed) : IDisposable
{
    /// <summary>The standard deviation of GPT-2's initial weights.</summary>
    public const double Deviation = 0.02;

    private static long _count;

    private readonly Generator _generator = new(unchecked((ulong)(seed ?? 0)));
    private readonly List<(Parameter Parameter, long[] Shape, Action<Tensor>? Fill)> _made = [];

    /// <summary>
    /// The standard deviation of the matrices whose output is added to the stream, so that the sum over the layers keeps its size.
    /// </summary>
    public static double IntoStream(LanguageModelConfiguration configuration) => Deviation / Math.Sqrt(2.0 * configuration.LayerCount);

    /// <summary>
    /// Parameters made in this process, those disposed of included. TorchSharp 0.107's <c>Tensor.TotalCount</c> rises by one for good with
    /// each: a parameter takes over the handle of a tensor that is then not counted down.
    /// </summary>
    internal static long Count => Interlocked.Read(ref _count);

    public Parameter Ones(params long[] shape) => Make(shape, values => values.fill_(1));

    public Parameter Zeros(params long[] shape) => Make(shape, null);

    public Parameter Normal(double deviation, params long[] shape) =>
        Make(shape, seed is null ? null : values => values.normal_(0, deviation, _generator));

    /// <summary>Gives the parameters their memory and their values.</summary>
    /// <param name="groups">All of them, by the stretch of the buffer that they lie in.</param>
    /// <returns>The buffer; the caller disposes of it.</returns>
    public FlatParameters Allocate(IEnumerable<IEnumerable<Parameter>> groups)
    {
        var shapes = new Dictionary<Parameter, long[]>(ReferenceEqualityComparer.Instance);
        foreach (var (parameter, shape, _) in _made) shapes.Add(parameter, shape);
        var flat = new FlatParameters(groups.Select(group => new FlatLayout(group.Select(p => (p, shapes[p])))), device);
        using var noGraph = no_grad();
        foreach (var (parameter, shape, fill) in _made)
        {
            // An operation in place may return another wrapper of its tensor, and each of them is to be freed.
            using var scope = NewDisposeScope();
            if (fill is null) continue;
            Tensor values = device.type == DeviceType.CPU ? parameter : empty(shape, dtype: ScalarType.Float32, device: CPU);
            fill(values);
            if (!ReferenceEquals(values, parameter)) parameter.copy_(values);
        }
        return flat;
    }

    public void Dispose() => _generator.Dispose();

    private Parameter Make(long[] shape, Action<Tensor>? fill)
    {
        using var scope = NewDisposeScope();
        var parameter = (Parameter)new Parameter(empty(0, dtype: ScalarType.Float32, device: device)).DetachFromDisposeScope();
        Interlocked.Increment(ref _count);
        _made.Add((parameter, shape, fill));
        return parameter;
    }
}
