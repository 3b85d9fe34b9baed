using BenchmarkDotNet.Attributes;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks.Micro;

/// <summary>Times an AdamW step over 12 layers of width 256, 10.6 million parameters, without clipping: flat, and TorchSharp's.</summary>
public class OptimizerStep : MicroBenchmark
{
    private const double Rate = 1e-4;

    private LanguageNetwork _model = null!;
    private FlatAdamW? _flat;
    private AdamW? _plain;

    [GlobalSetup(Target = nameof(Flat))]
    public void MakeFlat()
    {
        _model = Model();
        _flat = LanguageTask.Optimizer(_model, new(0.9, 0.95, 1e-8, 0.1), OptimizerPlacement.AfterBackward);
        using var noGraph = no_grad();
        foreach (Parameter parameter in _model.parameters()) parameter.grad!.fill_(1e-3);
    }

    [GlobalSetup(Target = nameof(TorchSharps))]
    public void MakeTorchSharps()
    {
        _model = Model();
        _plain = optim.AdamW(_model.parameters(), Rate, 0.9, 0.95, 1e-8, 0.1);
        using var noGraph = no_grad();
        foreach (Parameter parameter in _model.parameters()) parameter.grad = full_like(parameter, 1e-3);
    }

    [GlobalCleanup]
    public void Free()
    {
        _flat?.Dispose();
        _plain?.Dispose();
        _model.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Flat()
    {
        using var scope = NewDisposeScope();
        _flat!.Step(Rate);
        Finish();
    }

    [Benchmark]
    public void TorchSharps()
    {
        using var scope = NewDisposeScope();
        _plain!.step();
        Finish();
    }

    private static LanguageNetwork Model()
    {
        var shape = new GptConfiguration
        {
            VocabularySize = Size(4096, 16),
            ContextLength = Size(256, 4),
            LayerCount = Size(12, 2),
            HeadCount = 4,
            Width = Size(256, 8),
        };
        return shape.Build(Scheme.Midpoint, BackwardMode.Reversible, Arithmetic.Float, Precision.Float32, Device, seed: 1);
    }
}
