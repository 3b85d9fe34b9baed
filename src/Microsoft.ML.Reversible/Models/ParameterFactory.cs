using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible;

/// <summary>Makes the float32 parameters of a new model on their device, the random ones from one seeded stream.</summary>
/// <remarks>
/// Parameters are made where they stay: moving a module afterwards would replace its Parameter objects and untie shared ones.
/// The random numbers are drawn on the CPU, so that a seed gives the same model on every device.
/// </remarks>
/// <param name="device">Where the parameters are made.</param>
/// <param name="seed">Seeds the random ones; null leaves them unset, for a model that is about to be read from a file.</param>
internal sealed class ParameterFactory(Device device, int? seed) : IDisposable
{
    /// <summary>The standard deviation of GPT-2's initial weights.</summary>
    public const double Deviation = 0.02;

    /// <summary>
    /// The standard deviation of the matrices whose output is added to the stream, so that the sum over the layers keeps its size.
    /// </summary>
    public static double IntoStream(LanguageModelConfiguration configuration) => Deviation / Math.Sqrt(2.0 * configuration.LayerCount);

    private readonly Generator _generator = new(unchecked((ulong)(seed ?? 0)));

    public Parameter Ones(params long[] shape) => Make(() => ones(shape));

    public Parameter Zeros(params long[] shape) => Make(() => zeros(shape));

    public Parameter Normal(double deviation, params long[] shape) =>
        Make(() => seed is null ? empty(shape) : empty(shape).normal_(0, deviation, _generator));

    private Parameter Make(Func<Tensor> values)
    {
        // An operation in place may return another wrapper of its tensor, and each of them is to be freed.
        using var scope = NewDisposeScope();
        return (Parameter)new Parameter(values().to(device)).DetachFromDisposeScope();
    }

    public void Dispose() => _generator.Dispose();
}
