namespace TorchSharp.Modules;

// What optimizers with a state per parameter share.
public abstract class OptimizerHelper : torch.optim.Optimizer
{
    private protected readonly Dictionary<IntPtr, OptimizerState> States = [];

    // Moves the state; the parameters are where they are.
    public void to(torch.Device device)
    {
        foreach (var state in States.Values)
            state.to(device);
    }

    public virtual StateDictionary state_dict()
    {
        var dictionary = new StateDictionary();
        foreach (var group in Groups)
        {
            dictionary.Options.Add(group.Options);
            dictionary.State.AddRange(group.Parameters.Select(p => States[p.Handle]));
        }
        return dictionary;
    }
}
