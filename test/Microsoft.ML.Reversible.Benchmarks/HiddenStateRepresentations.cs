using System.CommandLine;
using System.Diagnostics;
using Microsoft.ML.Reversible.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Measures a layer's update of a hidden state in each number type: read it as the block's float32 input, and add f to it. Medians of 30
/// updates.
/// </summary>
internal static class HiddenStateRepresentations
{
    private const double Scale = 1 << 24;

    public static System.CommandLine.Command Command()
    {
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var command = new System.CommandLine.Command("representations", "Milliseconds of a hidden state's update.") { device };
        command.SetAction(p => Show(torch.device(p.GetValue(device)!)));
        return command;
    }

    private static void Show(Device device)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor f = randn([32, 256, 512], device: device);
        using var grid = new Grid(Grid.DefaultFractionBits, device);
        Console.WriteLine("| hidden state | range | ms |");
        Console.WriteLine("| --- | --- | --- |");
        Row("float32, not exact", "", f.clone(), s => s.alias(), s => s + f);
        Row("float64 on a 2^-24 grid", "±1.3e8, loses bits beyond, detected",
            grid.Round(f), s => s.to(ScalarType.Float32), s => s + grid.Round(f));
        Row("int64, 24 fractional bits", "±5.5e11, wraps beyond",
            ToIntegers(f, ScalarType.Int64), FromIntegers, s => s + ToIntegers(f, ScalarType.Int64));
        Row("int32, 16 fractional bits", "±3.3e4, wraps beyond",
            ToIntegers(f, ScalarType.Int32), FromIntegers, s => s + ToIntegers(f, ScalarType.Int32));

        void Row(string name, string range, Tensor state, Func<Tensor, Tensor> read, Func<Tensor, Tensor> add)
        {
            double[] milliseconds = [.. Enumerable.Range(0, 40).Select(_ => Time(state, read, add)).Skip(10).Order()];
            Console.WriteLine($"| {name} | {range} | {milliseconds[milliseconds.Length / 2]:F2} |");
        }

        double Time(Tensor state, Func<Tensor, Tensor> read, Func<Tensor, Tensor> add)
        {
            using var step = NewDisposeScope();
            Synchronize();
            var watch = Stopwatch.StartNew();
            read(state);
            add(state);
            Synchronize();
            return watch.Elapsed.TotalMilliseconds;
        }

        void Synchronize()
        {
            if (device.type == DeviceType.CUDA) cuda.synchronize(device);
        }
    }

    private static Tensor ToIntegers(Tensor f, ScalarType type) =>
        (f.to(ScalarType.Float64) * (type == ScalarType.Int64 ? Scale : 1 << 16)).round().to(type);

    private static Tensor FromIntegers(Tensor s) => s.to(ScalarType.Float64).mul(1 / Scale).to(ScalarType.Float32);
}
