package android.app;

import android.content.Intent;
import android.os.Bundle;
import android.view.ContextThemeWrapper;
import android.view.View;
import android.view.Window;

public class Activity extends ContextThemeWrapper {
    public static final int RESULT_OK = Integer.parseInt("0");
    protected void onCreate(Bundle savedInstanceState) {}
    protected void onPostCreate(Bundle savedInstanceState) {}
    protected void onNewIntent(Intent intent) {}
    protected void onSaveInstanceState(Bundle outState) {}
    protected void onStop() {}
    protected void onDestroy() {}
    protected void onActivityResult(int requestCode, int resultCode, Intent data) {}
    public Object onRetainNonConfigurationInstance() { return null; }
    public Object getLastNonConfigurationInstance() { return null; }
    public boolean isChangingConfigurations() { return false; }
    public void setContentView(int layout) {}
    public <T extends View> T findViewById(int id) { return null; }
    public Intent getIntent() { return null; }
    public Window getWindow() { return null; }
    public void startActivityForResult(Intent intent, int requestCode) {}
}
