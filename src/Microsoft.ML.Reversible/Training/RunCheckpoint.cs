using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Models;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// A checkpoint of a run: a pretrained folder with the optimizer's moments, the run's state and the checksums of all files.
/// </summary>
internal static class RunCheckpoint
{
    private const string OptimizerFile = "optimizer.safetensors";

    /// <summary>Writes a checkpoint whole or not at all.</summary>
    public static void Write(string path, LanguageModel model, FlatAdamW optimizer, RunState state) => AtomicFolder.Write(path, folder =>
    {
        PretrainedFolder.WriteWithoutTokenizerInstance(model, folder);
        SafeTensorSource[] moments = [.. optimizer.State.Select(moment => TensorStorage.Source(moment.Name, moment.Value))];
        SafeTensorsWriter.Write(Path.Combine(folder, OptimizerFile), moments);
        state.Write(folder);
        Checksums.Write(folder);
    });

    /// <summary>Checks all files against their checksums and reads the state.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="step">The step that its name says.</param>
    /// <exception cref="InvalidDataException">The checkpoint is damaged; the message says where.</exception>
    public static RunState Open(string path, int step)
    {
        Checksums.Verify(path);
        RunState state = RunState.Read(path);
        return state.Step == step ? state : throw new InvalidDataException($"It is of step {state.Step}, whatever its name says.");
    }

    /// <summary>Gives a network the weights of the checkpoint with the best evaluation.</summary>
    /// <exception cref="InvalidDataException">It is damaged or gone.</exception>
    public static void ReadBestWeights(string path, LanguageNetwork network)
    {
        try
        {
            Checksums.Verify(path);
            PretrainedFolder.ReadWeights(path, network);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(
                $"The checkpoint of the best evaluation cannot be read: {e.Message} " +
                "Set ReturnBest to false to take the last step's weights.", e);
        }
    }

    /// <summary>Reads the optimizer's moments.</summary>
    /// <exception cref="InvalidDataException">The file is damaged or another model's.</exception>
    public static void ReadOptimizer(string path, FlatAdamW optimizer, long steps)
    {
        using SafeTensorsFile file = SafeTensorsFile.Open(Path.Combine(path, OptimizerFile));
        optimizer.Load(steps, name => TensorStorage.Read(file, name));
    }

    /// <summary>The checkpoint to go on from.</summary>
    /// <param name="run">The run's folder.</param>
    /// <param name="resume">What to do about checkpoints that are there.</param>
    /// <param name="damaged">What to do about a damaged one.</param>
    /// <param name="warn">Told of damaged checkpoints that are passed over.</param>
    /// <returns>Its folder and state; null to begin.</returns>
    /// <exception cref="InvalidOperationException">There is none though it is required, or one though it is not wanted.</exception>
    /// <exception cref="InvalidDataException">It is damaged; the message says where, and what can be done.</exception>
    public static (string Path, RunState State)? Find(RunFolder run, ResumeMode resume, DamagedCheckpoint damaged, Action<string> warn)
    {
        IReadOnlyList<(int Step, string Path)> found = run.Checkpoints;
        if (resume == ResumeMode.Never && found.Count > 0)
            throw new InvalidOperationException(
                $"Resume is Never, but there is a checkpoint at '{found[0].Path}'. " +
                "Give another CheckpointFolder, or remove what is in it.");
        foreach ((int step, string path) in found)
        {
            try
            {
                return (path, Open(path, step));
            }
            catch (InvalidDataException e) when (damaged == DamagedCheckpoint.UsePrevious)
            {
                warn($"The checkpoint '{path}' is passed over: {e.Message}");
            }
            catch (InvalidDataException e)
            {
                throw new InvalidDataException(
                    $"The checkpoint '{path}' is damaged: {e.Message} " +
                    "Set DamagedCheckpoint to UsePrevious to go on from the one before it.", e);
            }
        }
        if (found.Count > 0) throw new InvalidDataException($"All {found.Count} checkpoints beside '{found[0].Path}' are damaged.");
        if (resume == ResumeMode.Required)
            throw new InvalidOperationException("Resume is Required, but the CheckpointFolder holds no checkpoint.");
        return null;
    }
}
