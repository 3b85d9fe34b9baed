using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>
/// Compares the gradients of a backward mode with those of the stored mode, for each parameter, on the same weights and data. The report
/// resembles that of llm.c's test.
/// </summary>
internal sealed class GradientComparison
{
    private const int VocabularySize = 128;

    public Scheme Scheme { get; set; } = Scheme.Midpoint;

    public Arithmetic? Arithmetic { get; set; }

    public BackwardMode BackwardMode { get; set; } = BackwardMode.Reversible;

    public int LayerCount { get; set; } = 12;

    public int HeadCount { get; set; } = 4;

    public int Width { get; set; } = 128;

    public int ContextLength { get; set; } = 64;

    public int BatchSize { get; set; } = 4;

    public bool Deterministic { get; set; }

    public string Device { get; set; } = "cpu";

    public Precision Precision { get; set; }

    public int Seed { get; set; } = 1;

    private Arithmetic EffectiveArithmetic => Arithmetic ?? Scheme.DefaultArithmetic;

    /// <summary>Runs the comparison, and writes one line per parameter if there is a report.</summary>
    public Result Run(TextWriter? report, CancellationToken cancellationToken)
    {
        if (BackwardMode == BackwardMode.Stored)
            throw new ArgumentException("BackwardMode must be Checkpointed or Reversible, not Stored.", nameof(BackwardMode));
        Scheme.CheckParameters(EffectiveArithmetic);
        using var scope = NewDisposeScope();
        Device device = ResolvedDevice();
        using LanguageNetwork stored = Make(BackwardMode.Stored, device), other = Make(BackwardMode, device);
        using var random = new Generator((ulong)Seed + 6);
        long[] shape = [Checked(BatchSize, nameof(BatchSize)), ContextLength];
        Tensor ids = randint(0, VocabularySize, shape, dtype: ScalarType.Int64, generator: random).to(device);
        Tensor targets = randint(0, VocabularySize, [shape[0] * shape[1]], dtype: ScalarType.Int64, generator: random).to(device);
        foreach (LanguageNetwork network in new[] { stored, other })
        {
            cancellationToken.ThrowIfCancellationRequested();
            LanguageModelLoss.Differentiate(network, ids, targets, new(1.0 / targets.numel(), Seed));
        }
        return Compare(stored, other, report);
    }

    private Result Compare(LanguageNetwork stored, LanguageNetwork other, TextWriter? report)
    {
        int parameters = 0;
        long elements = 0, differing = 0;
        double worst = 0;
        report?.WriteLine($"{"parameter",-40} {"elements",10} {"differing",10} {"relative error",16} remark");
        foreach (var (kept, rebuilt) in stored.Weights().Zip(other.Weights()))
        {
            var (name, expected, actual) = (kept.Name, kept.Parameter.grad!, rebuilt.Parameter.grad!);
            using var step = NewDisposeScope();
            long different = expected.ne(actual).sum().item<long>();
            double error = different == 0 ? 0 : ((actual - expected).norm() / expected.norm()).ToDouble();
            report?.WriteLine($"{name,-40} {expected.numel(),10} {different,10} {error,16:E2} {(different == 0 ? "same bits" : "")}");
            (parameters, elements, differing) = (parameters + 1, elements + expected.numel(), differing + different);
            // Comparisons with NaN are false, and NaN must not count as a small error.
            worst = error > worst || double.IsNaN(error) ? error : worst;
        }
        var result = new Result(
            Scheme.ToString(), OptionName(EffectiveArithmetic), OptionName(BackwardMode), parameters, elements, differing, worst,
            Agrees(differing, worst, stored.Device));
        report?.WriteLine(
            $"{Scheme}, {result.Arithmetic}, {result.BackwardMode} against stored, {LayerCount} layers, {OptionName(Precision)}, " +
            $"{Device}: {differing} of {elements} elements differ, largest relative error {worst:E2}");
        if (result.Agree) report?.WriteLine("The gradients of the two backward modes agree.");
        return result;
    }

    private bool Agrees(long differing, double worst, Device device)
    {
        // On a GPU, gradients of attention are summed in varying order unless Deterministic is set.
        bool sameBits = EffectiveArithmetic == Reversible.Arithmetic.Exact && (device.type == DeviceType.CPU || Deterministic);
        return sameBits ? differing == 0 : worst < (Precision == Precision.Float32 ? 1e-4 : 0.1);
    }

    private LanguageNetwork Make(BackwardMode backwardMode, Device device)
    {
        LanguageNetwork network = new GptConfiguration
        {
            VocabularySize = VocabularySize,
            ContextLength = ContextLength,
            LayerCount = LayerCount,
            HeadCount = HeadCount,
            Width = Width,
        }.Build(Scheme, backwardMode, EffectiveArithmetic, Precision, device, Seed);
        network.Stack.Deterministic = Deterministic;
        return network;
    }

    private Device ResolvedDevice()
    {
        var context = new MLContext { FallbackToCpu = false };
        using Runtime.IChannel channel = ((Runtime.IHostEnvironment)context).Register("gradcheck").Start("device");
        return Devices.Resolve(Device, context, channel);
    }

    private static int Checked(int value, string name) =>
        value >= 1 ? value : throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1.");

    private static string OptionName<T>(T value) where T : struct, Enum => Options.Kebab.Of(value.ToString());

    /// <summary>The result of a comparison.</summary>
    internal sealed record Result(
        string Scheme, string Arithmetic, string BackwardMode, int Parameters, long Elements, long DifferingElements,
        double MaxRelativeError, bool Agree);
}
