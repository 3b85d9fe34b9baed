using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.ML.Reversible.Kernels;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Tests whether arithmetic on the CPU gives the same bits in every process. Starts thousands of processes, each of which traces a training
/// step or calls one operation, and names the first tensor or the operation whose bits differ.
/// </summary>
internal static class FreshProcessBits
{
    private static readonly string[] Schemes = ["midpoint", "leapfrog", "hamiltonian", "bdia", "iterated-inverse"];

    /// <summary>The result of a process.</summary>
    /// <param name="Differing">Number of elements that differ between reversible and stored, or between the two calls.</param>
    /// <param name="First">The first tensor with such an element.</param>
    /// <param name="Names">The names of the tensors, in the order of computation.</param>
    /// <param name="Hashes">The hashes of the tensors, in the same order.</param>
    internal sealed record Result(long Differing, string? First, IReadOnlyList<string> Names, IReadOnlyList<string> Hashes);

    public static IEnumerable<System.CommandLine.Command> Commands()
    {
        var what = new Argument<string>("what") { Description = "steps, operations, or operations-after-set-up." };
        var only = new Option<string?>("--only") { Description = "Names of schemes or operations, separated by commas. Default: all." };
        var together = new Option<bool>("--together")
        {
            Description = "Checks all schemes in each process, starting with each in turn.",
        };
        var processes = new Option<int>("--processes") { DefaultValueFactory = _ => 20, Description = "Number of processes for each row." };
        var threads = new Option<int>("--threads") { DefaultValueFactory = _ => 2, Description = "Number of threads of a process." };
        var atOnce = new Option<int>("--at-once") { DefaultValueFactory = _ => 1, Description = "Number of concurrent processes." };
        var load = new Option<int>("--load") { Description = "Number of busy threads as additional load." };
        var reference = new Option<string?>("--reference") { Description = "A folder of hashes to compare with or to fill." };
        var dump = new Option<string?>("--dump") { Description = "A folder for the tensors of processes whose bits differ." };
        var parent = new System.CommandLine.Command("bits", "Counts fresh processes whose bits differ, one row per scheme or operation.")
        {
            what, only, together, processes, threads, atOnce, load, reference, dump,
        };
        parent.SetAction(p => Measure(
            p.GetRequiredValue(what), p.GetValue(only), p.GetValue(together), p.GetValue(processes),
            p.GetValue(threads), p.GetValue(atOnce), p.GetValue(load),
            p.GetValue(reference) ?? Directory.CreateTempSubdirectory("reversible-bits").FullName, p.GetValue(dump)));
        yield return parent;

        var name = new Argument<string>("name");
        var child = new System.CommandLine.Command("bits-process", "Runs one process of 'bits', with JSON output.")
        {
            what, name, threads, reference, dump,
        };
        child.SetAction(p =>
        {
            // Must run before TorchSharp is used, because it sets how idle threads wait.
            NativeTorch.Require();
            set_num_threads(p.GetValue(threads));
            Result result = p.GetRequiredValue(what) == "steps"
                ? Steps(p.GetRequiredValue(name), p.GetValue(reference), p.GetValue(dump))
                : Call(p.GetRequiredValue(name), setUp: p.GetRequiredValue(what) == "operations-after-set-up");
            Console.WriteLine(JsonSerializer.Serialize(result));
        });
        yield return child;
    }

    /// <summary>Traces the steps of several schemes in sequence; with more than one, tensor names begin with the scheme.</summary>
    /// <param name="schemes">The schemes, separated by commas.</param>
    /// <param name="reference">As in <see cref="Step"/>.</param>
    /// <param name="dump">As in <see cref="Step"/>.</param>
    internal static Result Steps(string schemes, string? reference, string? dump)
    {
        string[] names = schemes.Split(',');
        if (names.Length == 1) return Step(schemes, reference, dump);
        (string Scheme, Result Result)[] all = [.. names.Select(scheme => (scheme, Step(scheme, reference, dump)))];
        (string scheme, Result first) = all.FirstOrDefault(one => one.Result.Differing > 0, all[0]);
        return new Result(
            all.Sum(one => one.Result.Differing), first.First is null ? null : $"{scheme}, {first.First}",
            [.. all.SelectMany(one => one.Result.Names.Select(name => $"{one.Scheme}, {name}"))],
            [.. all.SelectMany(one => one.Result.Hashes)]);
    }

    /// <summary>Traces the step in both backward modes, and saves the traces if their bits differ from the reference.</summary>
    internal static Result Step(string scheme, string? reference, string? dump)
    {
        using StepTrace stored = StepTrace.Record(Scheme.Parse(scheme), BackwardMode.Stored);
        using StepTrace reversible = StepTrace.Record(Scheme.Parse(scheme), BackwardMode.Reversible);
        (long elements, string? first) = reversible.Difference(stored);
        var result = new Result(
            elements, first, [.. stored.Hashes.Select(t => t.Name)], [.. stored.Hashes.Select(t => t.Hash)]);
        if (dump is not null && (elements > 0 || FirstDifference(result, ReadReference(reference, "steps", scheme)) is not null))
        {
            Directory.CreateDirectory(dump);
            stored.Save(Path.Combine(dump, $"{scheme}-{Environment.ProcessId}-stored.safetensors"));
            reversible.Save(Path.Combine(dump, $"{scheme}-{Environment.ProcessId}-reversible.safetensors"));
        }
        return result;
    }

    /// <summary>Calls the operation twice.</summary>
    /// <param name="operation">A name of <see cref="FirstCalls.Operations"/>.</param>
    /// <param name="setUp">Whether to initialize MKL's vector functions first, as the library does.</param>
    internal static Result Call(string operation, bool setUp)
    {
        if (setUp) VectorMath.MakeReady();
        using Tensor first = FirstCalls.Operations[operation](), second = FirstCalls.Operations[operation]();
        long differing = first.ne(second).sum().item<long>();
        return new Result(differing, differing > 0 ? operation : null, [operation], [StepTrace.Hash(first)]);
    }

    /// <summary>Returns the name of the first tensor whose hash differs from the reference; null if all are the same.</summary>
    internal static string? FirstDifference(Result result, Result? reference) =>
        reference is null
            ? null
            : result.Names.Zip(result.Hashes)
                .FirstOrDefault(mine => !reference.Names.Zip(reference.Hashes).Contains(mine)).First;

    private static void Measure(
        string what, string? only, bool together, int processes, int threads, int atOnce, int load, string reference, string? dump)
    {
        IEnumerable<string> names = what switch
        {
            "steps" => Schemes,
            "operations" or "operations-after-set-up" => FirstCalls.Operations.Keys,
            _ => throw new ArgumentException($"'{what}' is not one of steps, operations, operations-after-set-up."),
        };
        using var stop = new CancellationTokenSource();
        Thread[] busy = [.. Enumerable.Range(0, load).Select(_ => Busy(stop.Token))];
        Directory.CreateDirectory(reference);
        Console.WriteLine($"libtorch {NativeTorch.LibtorchVersion}, {threads} threads, {atOnce} at once, {load} busy threads as load");
        Console.WriteLine("| row | processes | bits differ within a process | bits differ from the first process | where |");
        Console.WriteLine("|---|---|---|---|---|");
        string[] rows = only?.Split(',') ?? [.. names];
        foreach (string name in together ? ["together"] : rows)
        {
            string[] Arguments(int process) =>
            [
                "bits-process", what, together ? string.Join(',', rows.Select((_, i) => rows[(i + process) % rows.Length])) : name,
                "--threads", $"{threads}", "--reference", reference, .. Dump(dump),
            ];
            Result first = ReadReference(reference, what, name)
                ?? WriteReference(reference, what, name, ChildProcess.Run<Result>(Arguments(0)));
            var results = new ConcurrentBag<Result>();
            Parallel.For(
                0, processes, new ParallelOptions { MaxDegreeOfParallelism = atOnce },
                i => results.Add(ChildProcess.Run<Result>(Arguments(i))));
            string?[] others = [.. results.Select(result => FirstDifference(result, first)).Where(difference => difference is not null)];
            Result[] within = [.. results.Where(result => result.Differing > 0)];
            IEnumerable<string?> where = others.Concat(within.Select(result => result.First)).Distinct();
            Console.WriteLine($"| {name} | {results.Count} | {within.Length} | {others.Length} | {string.Join(", ", where)} |");
        }
        stop.Cancel();
        foreach (Thread thread in busy) thread.Join();
    }

    private static string[] Dump(string? folder) => folder is null ? [] : ["--dump", folder];

    private static string ReferenceFile(string folder, string what, string name) =>
        Path.Combine(folder, $"{(what == "steps" ? "step" : "operation")}-{name}.json");

    internal static Result? ReadReference(string? folder, string what, string name) =>
        folder is not null && ReferenceFile(folder, what, name) is var path && File.Exists(path)
            ? JsonSerializer.Deserialize<Result>(File.ReadAllText(path))
            : null;

    internal static Result WriteReference(string folder, string what, string name, Result result)
    {
        File.WriteAllText(ReferenceFile(folder, what, name), JsonSerializer.Serialize(result));
        return result;
    }

    private static Thread Busy(CancellationToken stop)
    {
        var thread = new Thread(() =>
        {
            double value = 1;
            while (!stop.IsCancellationRequested) value = Math.Sqrt(value + 1);
        });
        thread.Start();
        return thread;
    }
}
