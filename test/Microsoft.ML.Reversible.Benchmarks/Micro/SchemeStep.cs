using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks.Micro;

/// <summary>
/// Times a layer of a scheme, forward and backward in the reversible mode, on hidden states [32, 256, 512]. The block only halves its
/// input, so this measures the recurrence, its inverse and its transpose.
/// </summary>
public class SchemeStep : MicroBenchmark
{
    private const int Layers = 8;

    private LayerStack _stack = null!;
    private Halve[] _blocks = [];
    private Tensor _input = null!;
    private Tensor _gradient = null!;

    /// <summary>A scheme and an arithmetic.</summary>
    [ParamsSource(nameof(Cases))]
    public string Case { get; set; } = "";

    public static IEnumerable<string> Cases =>
    [
        "midpoint Float", "midpoint Exact", "leapfrog Float", "leapfrog Exact", "midpoint-a Float", "bdia Exact", "blend:16 Exact",
    ];

    [GlobalSetup]
    public void Make()
    {
        string[] words = Case.Split(' ');
        _blocks = [.. Enumerable.Range(0, Layers).Select(_ => new Halve())];
        _stack = new LayerStack(Scheme.Parse(words[0]), _blocks, BackwardMode.Reversible, Enum.Parse<Arithmetic>(words[1]));
        long[] shape = [Size(32, 2), Size(256, 4), Size(512, 8)];
        _input = randn(shape, device: Device);
        _gradient = ones(shape, device: Device);
    }

    [GlobalCleanup]
    public void Free()
    {
        foreach (IDisposable made in (IDisposable[])[_input, _gradient, .. _blocks]) made.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Layers)]
    public void Forward()
    {
        using var scope = NewDisposeScope();
        _stack.Forward(_input).Dispose();
        Finish();
    }

    [Benchmark(OperationsPerInvoke = Layers)]
    public void ForwardAndBack()
    {
        using var scope = NewDisposeScope();
        using StackPass pass = _stack.Forward(_input);
        pass.Backward(_gradient);
        Finish();
    }

    private sealed class Halve() : nn.Module<Tensor, Tensor>(nameof(Halve))
    {
        public override Tensor forward(Tensor input) => input * 0.5;
    }
}
